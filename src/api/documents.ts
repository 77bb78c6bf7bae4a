import { type Request, type Response, Router } from 'express'
import { z } from 'zod'
import { isBlankFormat } from '../core/blank-files.ts'
import {
  createDocument,
  deleteDocument,
  listDocuments,
  readableDocument,
  undeleteDocument,
  uploadDocument,
} from '../core/documents.ts'
import { formatOf, nutoTypeOf } from '../core/formats.ts'
import { renameDocument } from '../core/rename.ts'
import { MAX_TITLE_LENGTH } from '../core/titles.ts'
import { Problem } from '../errors.ts'
import type { Api } from './api.ts'
import { documentJson } from './document-json.ts'
import { DocType, Title } from './fields.ts'
import { receiveUpload } from './upload.ts'

const MOST_TAKEN = 100

const NewDocument = z.object({ title: Title, type: DocType, format: z.string().max(20).toLowerCase() })

const ChangedDocument = z.object({ title: Title })

const SORT_FIELDS = {
  createdAt: 'created_at',
  updatedAt: 'updated_at',
  title: 'title',
  type: 'file_type',
  fileSize: 'size',
} as const

const Page = z.object({
  skip: z.coerce.number().int().min(0).max(1_000_000_000).default(0),
  take: z.coerce
    .number()
    .int()
    .min(0)
    .transform((take) => Math.min(take, MOST_TAKEN))
    .default(20),
})

const ListQuery = Page.extend({
  type: DocType.optional(),
  search: z.string().max(MAX_TITLE_LENGTH).optional(),
  sortBy: z
    .enum(Object.keys(SORT_FIELDS) as (keyof typeof SORT_FIELDS)[])
    .default('updatedAt')
    .transform((field) => SORT_FIELDS[field]),
  sortDescending: z.stringbool().default(true),
})

const Params = z.object({ documentId: z.string() })

/** Documents. Source: Nuto Office API, Documents. */
export function documentRoutes({ deps, authentication }: Api): Router {
  const router = Router()

  async function list(request: Request, response: Response, isDeleted: boolean): Promise<void> {
    const caller = await authentication.byBearer(request)
    const { sortDescending: isDescending, ...query } = ListQuery.parse(request.query)
    const { documents, totalCount } = await listDocuments(deps, caller, { ...query, isDescending, isDeleted })
    response.json({ documents: documents.map(documentJson), totalCount, skip: query.skip, take: query.take })
  }

  router.get('/', (request, response) => list(request, response, false))
  router.get('/trash', (request, response) => list(request, response, true))

  router.post('/', async (request, response) => {
    const caller = await authentication.byBearer(request)
    const { title, type, format: fileType } = NewDocument.parse(request.body)
    const format = formatOf(fileType)
    if (!isBlankFormat(fileType) || format === undefined || nutoTypeOf(format) !== type) {
      throw new Problem(
        'format-not-of-type',
        `no new ${type} document can be made as ${fileType.toUpperCase()}`,
      )
    }
    response.status(201).json(documentJson(await createDocument(deps, caller, { title, fileType })))
  })

  router.post('/upload', async (request, response) => {
    const caller = await authentication.byBearer(request)
    const document = await receiveUpload(request, deps.config, (file) => uploadDocument(deps, caller, file))
    response.status(201).json(documentJson(document))
  })

  router.get('/:documentId', async (request, response) => {
    const caller = await authentication.byBearer(request)
    const { documentId } = Params.parse(request.params)
    response.json(documentJson(await readableDocument(deps, caller, documentId)))
  })

  router.put('/:documentId', change)
  router.patch('/:documentId', change)

  async function change(request: Request, response: Response): Promise<void> {
    const caller = await authentication.byBearer(request)
    const { documentId } = Params.parse(request.params)
    const { title } = ChangedDocument.parse(request.body)
    response.json(documentJson(await renameDocument(deps, caller, { documentId, title })))
  }

  router.delete('/:documentId', async (request, response) => {
    const caller = await authentication.byBearer(request)
    await deleteDocument(deps, caller, Params.parse(request.params).documentId)
    response.status(204).end()
  })

  router.post('/:documentId/undelete', async (request, response) => {
    const caller = await authentication.byBearer(request)
    response.json(documentJson(await undeleteDocument(deps, caller, Params.parse(request.params).documentId)))
  })

  return router
}
