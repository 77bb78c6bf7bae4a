import { type Request, Router } from 'express'
import { clientById } from '../core/api-keys.ts'
import type { Caller } from '../core/callers.ts'
import type { TokenClaims } from '../core/tokens.ts'
import { Problem } from '../errors.ts'
import { openEventStream } from '../http/sse.ts'
import type { Door } from './door.ts'
import { sendEditorPage } from './editor-page.ts'
import { openEditor, openingOf } from './open-editor.ts'

/** The page around the editor, its events and its fresh configs. */
export function pageRoutes(door: Door): Router {
  const router = Router()
  const { deps, authentication, tokens } = door

  router.get('/viewer/:id', async (request, response) => {
    const caller = await authentication.byBearerOrCookie(request)
    await sendEditorPage(door, response, {
      caller,
      documentId: request.params.id,
      opening: openingOf(request, caller),
      frameAncestors: deps.config.FRAME_ANCESTORS,
    })
  })

  router.get('/documents/:id/refresh', async (request, response) => {
    const { documentId, clientId, ...opening } = pageOf(request)
    const caller = await callerOf(clientId)
    const { config, token } = await openEditor(door, caller, documentId, opening)
    response.set('Cache-Control', 'no-store').json({ config: { ...config, token } })
  })

  router.get('/documents/:id/events', async (request, response) => {
    const { documentId, clientId } = pageOf(request)
    await callerOf(clientId)
    const unsubscribe = deps.events.subscribe(documentId, ({ type, ...data }) => send(type, data))
    const send = openEventStream(response, door.streams, unsubscribe)
  })

  /** The page token in the query: EventSource sends no headers. */
  function pageOf(request: Request<{ id: string }>): TokenClaims<'page'> {
    const { t: token } = request.query
    const page = typeof token === 'string' ? tokens.read('page', token) : undefined
    if (page === undefined || page.documentId !== request.params.id) throw new Problem('token-invalid')
    return page
  }

  /** Whoever opened the page, as they stand now. @throws Problem `token-invalid` when the key was revoked */
  function callerOf(clientId: string | undefined): Promise<Caller> | Caller {
    return clientId === undefined ? { kind: 'administrator' } : clientById(deps, clientId)
  }

  return router
}
