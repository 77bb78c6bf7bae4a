import { type ErrorRequestHandler, Router } from 'express'
import { openFile } from '../core/files.ts'
import { isProblem, Problem } from '../errors.ts'
import { asProblem } from '../http/problem-json.ts'
import { sendBlob } from '../http/send-blob.ts'
import type { Door } from './door.ts'

/** Serves one file to Document Server: the token says which, whatever the head is by now. */
export function fileRoute({ deps, tokens, limits }: Door): Router {
  const router = Router()

  router.get('/:id', async (request, response) => {
    const { t: token } = request.query
    const claims = typeof token === 'string' ? tokens.read('file', token) : undefined
    if (claims === undefined) throw new Problem('file-token-invalid')
    const file = await openFile(deps, { documentId: request.params.id, ...claims })
    await sendBlob(deps.blobs, request, response, file)
  })

  // Only what carries no good token is counted.
  const count: ErrorRequestHandler = (error, request, response, next) => {
    if (!isProblem(error, 'file-token-invalid')) return next(error)
    limits.requests(request, response, (limited?: unknown) => next(asProblem(limited) ?? error))
  }
  router.use(count)
  return router
}
