import { z } from 'zod'
import type { Caller } from '../core/callers.ts'
import { createFromTemplate } from '../core/new-document.ts'
import { TEMPLATES } from '../core/templates.ts'
import type { Api } from './api.ts'
import { DocumentJson, documentJson } from './document-json.ts'
import { DocType, GivenType, Place, Title } from './fields.ts'
import { type Operation, operation } from './operation.ts'

const Filter = z.object({ type: GivenType.optional(), category: z.string().max(50).optional() })
const TemplateId = z.string().min(1).max(100)
const FromTemplate = Place.extend({ title: Title.optional() })

const TemplateList = z
  .object({
    templates: z.array(z.object({ id: z.string(), name: z.string(), type: DocType, category: z.string() })),
  })
  .meta({ id: 'TemplateList' })

const making = {
  method: 'post',
  tag: 'Templates',
  access: 'token',
  permission: 'documents:write',
  answer: { status: 201, json: DocumentJson },
  problems: ['template-not-found', 'storage-unavailable'],
  isRepeatable: true,
} as const

/** Documents to start from. Source: Nuto Office API, Templates. */
export function templateOperations({ deps }: Api): Operation[] {
  return [
    operation({
      method: 'get',
      paths: ['/templates'],
      tag: 'Templates',
      summary: 'List the templates',
      access: 'token',
      query: Filter,
      answer: { status: 200, json: TemplateList },
      async handle({ query: { type, category } }) {
        const fitting = TEMPLATES.filter(
          (template) =>
            (type === undefined || template.type === type) &&
            (category === undefined || template.category.toLowerCase() === category.toLowerCase()),
        )
        return { templates: fitting.map(({ id, name, type, category }) => ({ id, name, type, category })) }
      },
    }),

    // The API page names no path for making one: these are what its readers would try.
    operation({
      ...making,
      problems: [...making.problems],
      paths: ['/templates/create', '/documents/from-template'],
      summary: 'Create a document from a template',
      body: FromTemplate.extend({ templateId: TemplateId }),
      handle: ({ caller, body, resourceId: id }) => create(caller, { ...body, id }),
    }),
    operation({
      ...making,
      problems: [...making.problems],
      paths: ['/templates/:templateId/create'],
      summary: 'Create a document from this template',
      params: z.object({ templateId: TemplateId }),
      body: FromTemplate,
      handle: ({ caller, params, body, resourceId: id }) => create(caller, { ...body, ...params, id }),
    }),
  ]

  async function create(caller: Caller, wanted: Parameters<typeof createFromTemplate>[2]) {
    return documentJson(await createFromTemplate(deps, caller, wanted))
  }
}
