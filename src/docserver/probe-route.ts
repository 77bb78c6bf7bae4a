import { type Request, Router } from 'express'
import { LRUCache } from 'lru-cache'
import { Problem } from '../errors.ts'
import { framedPageHeaders } from '../pages/headers.ts'
import { headerPayload } from './callback.ts'
import type { Door } from './door.ts'
import { type ProbeFacts, type ProbeSignature, probeText } from './probe.ts'

const MOST_REMEMBERED = 1000

/**
 * What the doctor looks at, each by its token alone: a small file for Document Server, the headers of a
 * page that holds the editor, a file that is announced and not sent, and what the service has seen.
 */
export function probeRoute(door: Door): Router {
  const { deps, tokens, limits, addresses, docServerTokens, unsignedCallbacks } = door
  const router = Router()
  const fetched = new LRUCache<string, ProbeSignature>({ max: MOST_REMEMBERED })
  // Behind a balancer the node that the doctor asks need not be the one that was asked for the file.
  deps.events.onProbeFetched(({ nonce, signature }) => fetched.set(nonce, signature))

  function signatureOf(request: Request): ProbeSignature {
    const header = request.get(deps.config.ONLYOFFICE_JWT_HEADER)
    if (header === undefined) return 'unsigned'
    return headerPayload(docServerTokens, header) === undefined ? 'bad' : 'good'
  }

  router.get('/', async (request, response, next) => {
    const { t: token } = request.query
    const claims = typeof token === 'string' ? tokens.read('probe', token) : undefined
    if (claims === undefined) {
      limits.strangers(request, response, (limited?: unknown) =>
        next(limited ?? new Problem('file-token-invalid')),
      )
      return
    }
    response.set('Cache-Control', 'no-store')
    if (claims.part === 'facts') {
      const facts: ProbeFacts = {
        fetched: fetched.get(claims.nonce),
        unsignedCallbacks: unsignedCallbacks.count,
        lastUnsignedAt: unsignedCallbacks.lastAt?.toISOString(),
      }
      response.json(facts)
      return
    }
    response.type('text/plain')
    if (claims.part === 'size') {
      response.set('Content-Length', String(claims.bytes ?? 0)).flushHeaders()
      // Whoever takes a file of this size begins to read it; whoever does not has seen enough.
      response.socket?.destroySoon()
      return
    }
    if (claims.part === 'file')
      await deps.events.probeFetched({ nonce: claims.nonce, signature: signatureOf(request) })
    else {
      framedPageHeaders(response, {
        publicUrl: addresses.publicUrl,
        docServerUrl: addresses.docServerUrl,
        isEmulated: deps.config.isEmulated,
        frameAncestors: deps.config.FRAME_ANCESTORS,
      })
    }
    response.send(probeText(claims.nonce))
  })
  return router
}
