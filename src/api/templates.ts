import { type Request, type Response, Router } from 'express'
import { z } from 'zod'
import { createFromTemplate } from '../core/documents.ts'
import { TEMPLATES } from '../core/templates.ts'
import type { Api } from './api.ts'
import { documentJson } from './document-json.ts'
import { DocType, Title } from './fields.ts'

const Filter = z.object({ type: DocType.optional(), category: z.string().max(50).optional() })
const FromTemplate = z.object({ templateId: z.string().max(100), title: Title.optional() })

/** Documents to start from. Source: Nuto Office API, Templates. */
export function templateRoutes({ deps, authentication }: Api): Router {
  const router = Router()

  router.get('/templates', async (request, response) => {
    await authentication.byBearer(request)
    const { type, category } = Filter.parse(request.query)
    const fitting = TEMPLATES.filter(
      (template) =>
        (type === undefined || template.type === type) &&
        (category === undefined || template.category.toLowerCase() === category.toLowerCase()),
    )
    response.json({
      templates: fitting.map(({ id, name, type, category }) => ({ id, name, type, category })),
    })
  })

  // The API page names no path for making one: these are what its readers would try.
  router.post(['/templates/create', '/documents/from-template'], (request, response) =>
    create(request, response, request.body),
  )
  router.post('/templates/:templateId/create', (request, response) =>
    create(request, response, { ...request.body, templateId: request.params.templateId }),
  )

  async function create(request: Request, response: Response, body: unknown): Promise<void> {
    const caller = await authentication.byBearer(request)
    response.status(201).json(documentJson(await createFromTemplate(deps, caller, FromTemplate.parse(body))))
  }

  return router
}
