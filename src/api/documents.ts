import { Router } from 'express'
import { z } from 'zod'
import { isBlankFormat } from '../core/blank-files.ts'
import { createDocument, listDocuments, readableDocument, uploadDocument } from '../core/documents.ts'
import { formatOf, nutoTypeOf } from '../core/formats.ts'
import { MAX_TITLE_LENGTH, offeredName } from '../core/titles.ts'
import { headVersion } from '../core/versions.ts'
import { Problem } from '../errors.ts'
import { sendBlob } from '../http/send-blob.ts'
import type { Api } from './api.ts'
import { documentJson } from './document-json.ts'
import { receiveUpload } from './upload.ts'

const TYPES = ['Docs', 'Sheet', 'Slide'] as const
const MOST_TAKEN = 100

const NewDocument = z.object({
  title: z
    .string()
    .min(1)
    .refine((title) => [...title].length <= MAX_TITLE_LENGTH, `at most ${MAX_TITLE_LENGTH} characters`),
  type: z.string().transform((given, context) => {
    const type = TYPES.find((one) => one.toLowerCase() === given.toLowerCase())
    if (type === undefined) context.addIssue(`one of ${TYPES.join(', ')}`)
    return type
  }),
  format: z.string().max(20).toLowerCase(),
})

const Page = z.object({
  skip: z.coerce.number().int().min(0).max(1_000_000_000).default(0),
  take: z.coerce
    .number()
    .int()
    .min(0)
    .transform((take) => Math.min(take, MOST_TAKEN))
    .default(20),
})

const Params = z.object({ documentId: z.string() })

/** Documents. Source: Nuto Office API, Documents. */
export function documentRoutes({ deps, authentication }: Api): Router {
  const router = Router()

  router.get('/', async (request, response) => {
    const caller = await authentication.byBearer(request)
    const page = Page.parse(request.query)
    const { documents, totalCount } = await listDocuments(deps, caller, page)
    response.json({ documents: documents.map(documentJson), totalCount, ...page })
  })

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

  router.get('/:documentId/download', async (request, response) => {
    const caller = await authentication.byBearer(request)
    const { documentId } = Params.parse(request.params)
    const document = await readableDocument(deps, caller, documentId)
    const { sha256, size, file_type: extension } = await headVersion(deps, document)
    const name = offeredName(document.title, extension)
    await sendBlob(deps.blobs, request, response, { sha256, size, extension, name })
  })

  return router
}
