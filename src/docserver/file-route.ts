import { Router } from 'express'
import { openFile } from '../core/files.ts'
import { Problem } from '../errors.ts'
import { cors } from '../http/cors.ts'
import { sendBlob } from '../http/send-blob.ts'
import type { Door } from './door.ts'

/** Serves one file to Document Server: the token says which, whatever the head is by now. */
export function fileRoute({ deps, tokens, limits, addresses }: Door): Router {
  const router = Router()

  // The page of Document Server fetches archives of changes itself.
  if (addresses.docServerUrl !== undefined) router.use(cors([new URL(addresses.docServerUrl).origin]))
  router.get('/:id', async (request, response, next) => {
    const { t: token } = request.query
    const claims = typeof token === 'string' ? tokens.read('file', token) : undefined
    // Only what carries no good token is limited.
    if (claims === undefined) {
      limits.strangers(request, response, (limited?: unknown) =>
        next(limited ?? new Problem('file-token-invalid')),
      )
      return
    }
    await sendBlob(deps.blobs, request, response, await openFile(deps, request.params.id, claims))
  })
  return router
}
