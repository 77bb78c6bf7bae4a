import { z } from 'zod'
import { listDocuments } from '../core/list-documents.ts'
import { MAX_TITLE_LENGTH } from '../core/titles.ts'
import type { Api } from './api.ts'
import { DocumentJson, documentJson } from './document-json.ts'
import { ExternalId, Folder, GivenType, MetadataQuery, withNested } from './fields.ts'
import { type Operation, operation } from './operation.ts'

const MOST_TAKEN = 100
const MOST_SKIPPED = 1_000_000_000

const SORT_FIELDS = {
  createdAt: 'created_at',
  updatedAt: 'updated_at',
  title: 'title',
  type: 'file_type',
  fileSize: 'size',
} as const

const ListQuery = z.object({
  type: GivenType.optional(),
  search: z
    .string()
    .max(MAX_TITLE_LENGTH)
    .optional()
    .meta({ description: 'Words that the title holds; the newest 1,000 hits' }),
  sortBy: z.enum(Object.keys(SORT_FIELDS) as (keyof typeof SORT_FIELDS)[]).default('updatedAt'),
  sortDescending: z.stringbool().default(true),
  skip: z.coerce.number().int().min(0).max(MOST_SKIPPED).default(0),
  take: z.coerce
    .number()
    .int()
    .min(0)
    .transform((take) => Math.min(take, MOST_TAKEN))
    .default(20)
    .meta({ description: `More than ${MOST_TAKEN} are taken as ${MOST_TAKEN}` }),
  cursor: z.string().max(4000).optional().meta({ description: '`nextCursor` of the page before' }),
  folder: Folder.optional(),
  recursive: z
    .stringbool()
    .default(false)
    .meta({ description: 'With `folder`: also what lies in folders below' }),
  externalId: ExternalId.optional(),
  metadata: MetadataQuery.optional().meta({ description: '`metadata[name]=value`, all of them' }),
})

const DocumentList = z
  .object({
    documents: z.array(DocumentJson),
    totalCount: z.int(),
    skip: z.int(),
    take: z.int(),
    nextCursor: z.string().optional(),
  })
  .meta({ id: 'DocumentList' })

/** Lists of documents. Source: Nuto Office API, List documents. */
export function documentListOperations({ deps }: Api): Operation[] {
  return [
    list('/documents', 'List and search documents', false),
    list('/documents/trash', 'List the trash', true),
  ]

  function list(path: string, summary: string, isDeleted: boolean): Operation {
    return operation({
      method: 'get',
      paths: [path],
      tag: 'Documents',
      summary,
      access: 'token',
      permission: 'documents:read',
      prepareQuery: (query) => withNested('metadata', query),
      query: ListQuery,
      answer: { status: 200, json: DocumentList },
      async handle({ caller, query }) {
        const { sortBy, sortDescending: isDescending, folder: path, recursive: isDeep, ...rest } = query
        const { documents, totalCount, nextCursor } = await listDocuments(deps, caller, {
          ...rest,
          sortBy: SORT_FIELDS[sortBy],
          isDescending,
          folder: path === undefined ? undefined : { path, isDeep },
          isDeleted,
        })
        const { skip, take } = query
        return { documents: documents.map(documentJson), totalCount, skip, take, nextCursor }
      },
    })
  }
}
