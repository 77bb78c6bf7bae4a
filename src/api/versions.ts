import { Router } from 'express'
import { z } from 'zod'
import { readableDocument } from '../core/documents.ts'
import { saveNow } from '../core/save-now.ts'
import { offeredName } from '../core/titles.ts'
import { addContent, demandReplaceable, listVersions, restoreVersion, versionOf } from '../core/versions.ts'
import { sendBlob } from '../http/send-blob.ts'
import type { Api } from './api.ts'
import { documentJson, versionJson } from './document-json.ts'
import { receiveUpload } from './upload.ts'

const OfDocument = z.object({ documentId: z.string() })
/** Seconds. */
const Waiting = z.object({ wait: z.coerce.number().min(1).max(60).default(30) })
const Forcing = z.object({ force: z.stringbool().default(false) })
const OfVersion = z.object({ documentId: z.string(), versionId: z.string() })

/** Versions of a document. Source: Nuto Office API, Versions. */
export function versionRoutes({ deps, authentication }: Api): Router {
  const router = Router()

  router.get('/:documentId/versions', async (request, response) => {
    const caller = await authentication.byBearer(request)
    const { documentId } = OfDocument.parse(request.params)
    const document = await readableDocument(deps, caller, documentId)
    const versions = await listVersions(deps, caller, documentId)
    response.json({ versions: versions.map((version) => versionJson(version, document)) })
  })

  router.get('/:documentId/versions/:versionId/download', async (request, response) => {
    const caller = await authentication.byBearer(request)
    const { documentId, versionId } = OfVersion.parse(request.params)
    const document = await readableDocument(deps, caller, documentId)
    const { sha256, size, file_type: extension } = await versionOf(deps, document, versionId)
    const name = offeredName(document.title, extension)
    await sendBlob(deps.blobs, request, response, { sha256, size, extension, name })
  })

  router.post('/:documentId/versions/:versionId/restore', async (request, response) => {
    const caller = await authentication.byBearer(request)
    await restoreVersion(deps, caller, OfVersion.parse(request.params))
    const { documentId } = OfDocument.parse(request.params)
    response.json(documentJson(await readableDocument(deps, caller, documentId)))
  })

  router.post('/:documentId/save', async (request, response) => {
    const caller = await authentication.byBearer(request)
    const { documentId } = OfDocument.parse(request.params)
    const { wait } = Waiting.parse(request.query)
    const { outcome, version } = await saveNow(deps, caller, { documentId, waitS: wait })
    const document = await readableDocument(deps, caller, documentId)
    response.json({ outcome, version: versionJson(version, document) })
  })

  router.put('/:documentId/content', async (request, response) => {
    const caller = await authentication.byBearer(request)
    const { documentId } = OfDocument.parse(request.params)
    const { force } = Forcing.parse(request.query)
    await demandReplaceable(deps, caller, documentId, { force, ifMatch: request.get('If-Match') })
    const version = await receiveUpload(request, deps.config, ({ bytes }) =>
      addContent(deps, caller, { documentId, bytes }),
    )
    const document = await readableDocument(deps, caller, documentId)
    response.status(201).json(versionJson(version, document))
  })

  return router
}
