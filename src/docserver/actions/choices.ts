import { z } from 'zod'
import { convert } from '../../core/conversions.ts'
import { editableTwin, formatOf } from '../../core/formats.ts'
import { listDocuments } from '../../core/list-documents.ts'
import { addConverted } from '../../core/new-document.ts'
import { headVersion } from '../../core/versions.ts'
import { Problem } from '../../errors.ts'
import { type Action, action } from '../action.ts'
import type { Door } from '../door.ts'

const MOST_CHOICES = 50
const SOURCE_TOKEN_S = 3600

/** Other documents of the workspace, for people to choose from. */
export function choiceActions({ deps, tokens, addresses }: Door): Action[] {
  return [
    action({
      method: 'get',
      path: '/choices',
      grant: 'view',
      needsWorkspace: true,
      query: z.object({
        kind: z.enum(['word', 'cell', 'slide', 'pdf', 'any']).default('any'),
        search: z.string().max(200).optional(),
      }),
      async handle({ visitor: { caller, document }, query: { kind, search } }) {
        const type = { word: 'Docs', cell: 'Sheet', slide: 'Slide', pdf: undefined, any: undefined } as const
        const { documents } = await listDocuments(deps, caller, {
          type: type[kind],
          search,
          skip: 0,
          take: MOST_CHOICES,
        })
        const fitting = documents.filter(
          ({ id, file_type }) => id !== document.id && (kind === 'any' || formatOf(file_type)?.type === kind),
        )
        return {
          documents: fitting.map(({ id, title, file_type, folder }) => ({
            id,
            title: `${title}.${file_type}`,
            folder,
          })),
        }
      },
    }),

    action({
      method: 'post',
      path: '/convert-to-edit',
      grant: 'edit',
      needsWorkspace: true,
      async handle({ visitor: { caller, document } }) {
        const format = formatOf(document.file_type)
        const target = format && editableTwin(format)
        if (target === undefined) throw new Problem('conversion-impossible')
        const converted = await convert(deps, {
          version: await headVersion(deps, document),
          title: document.title,
          target,
          fileAddress: (versionId) => {
            const token = tokens.issue('file', { versionId, part: 'content' }, SOURCE_TOKEN_S)
            return `${addresses.internalUrl}/api/onlyoffice/file/${document.id}?t=${token}`
          },
        })
        const { id } = await addConverted(deps, caller, { document, converted })
        return { id, url: `${addresses.publicUrl}/api/onlyoffice/viewer/${id}` }
      },
    }),
  ]
}
