import { type Request, type Response, Router } from 'express'
import { z } from 'zod'
import { convert } from '../core/conversions.ts'
import { readableDocument } from '../core/documents.ts'
import { offeredName } from '../core/titles.ts'
import { headVersion } from '../core/versions.ts'
import { sendBlob } from '../http/send-blob.ts'
import type { Api } from './api.ts'

/** How long Document Server may take to fetch what it converts. */
const SOURCE_TOKEN_S = 3600

const Format = z.string().trim().min(1).max(20)
const Wanted = z.object({ targetFormat: Format })
const Downloaded = z.object({ format: Format.optional() })

/** Documents in other formats; the original stays as it is. Source: Nuto Office API, Convert, Download. */
export function conversionRoutes({ deps, tokens, authentication, internalUrl }: Api): Router {
  const router = Router()

  router.post('/:documentId/convert', (request, response) =>
    send(request, response, Wanted.parse(request.body).targetFormat),
  )
  router.get('/:documentId/download', (request, response) =>
    send(request, response, Downloaded.parse(request.query).format),
  )

  async function send(
    request: Request<{ documentId: string }>,
    response: Response,
    target: string | undefined,
  ) {
    const caller = await authentication.byBearer(request)
    const document = await readableDocument(deps, caller, request.params.documentId)
    const version = await headVersion(deps, document)
    const { sha256, size, extension } = await convert(deps, {
      version,
      title: document.title,
      target: target ?? version.file_type,
      fileAddress: (versionId) => {
        const token = tokens.issue('file', { versionId, part: 'content' }, SOURCE_TOKEN_S)
        return `${internalUrl}/api/onlyoffice/file/${document.id}?t=${token}`
      },
    })
    await sendBlob(deps.blobs, request, response, {
      sha256,
      size,
      extension,
      name: offeredName(document.title, extension),
    })
  }

  return router
}
