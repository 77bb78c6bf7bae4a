import { type Request, Router } from 'express'
import { admissionOfCaller, admissionOfPage } from '../core/sharing/admission.ts'
import type { TokenClaims } from '../core/tokens.ts'
import { isProblem, Problem } from '../errors.ts'
import { bearerOf } from '../http/authentication.ts'
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
    const opening = openingOf(request, caller)
    await sendEditorPage(door, response, {
      admission: admissionOfCaller(caller, opening.user),
      documentId: request.params.id,
      opening,
      frameAncestors: deps.config.FRAME_ANCESTORS,
    })
  })

  router.get('/documents/:id/refresh', async (request, response) => {
    const page = pageOf(request)
    const { documentId, mode, type, lang, isStrict = false, user } = page
    const opening = { mode, type, ...(lang === undefined ? {} : { lang }), isStrict, user }
    const admission = await admissionOfPage(deps, page)
    const { config, token } = await openEditor(door, admission, documentId, opening)
    response.set('Cache-Control', 'no-store').json({ config: { ...config, token } })
  })

  router.get('/documents/:id/events', async (request, response) => {
    const page = pageOf(request)
    const { documentId } = page
    await admissionOfPage(deps, page)
    const unsubscribe = deps.events.subscribe(documentId, ({ type, ...data }) => send(type, data))
    const send = openEventStream(response, {
      streams: door.streams,
      onClose: unsubscribe,
      // A database that is busy is no reason to end it.
      isWelcome: () =>
        admissionOfPage(deps, page).then(
          () => true,
          (error: unknown) => !isProblem(error, 'token-invalid'),
        ),
    })
  })

  /** The page's token, in the query for EventSource, which sends no headers. */
  function pageOf(request: Request<{ id: string }>): TokenClaims<'page'> {
    const { t } = request.query
    const token = bearerOf(request) ?? t
    const page = typeof token === 'string' ? tokens.read('page', token) : undefined
    if (page === undefined || page.documentId !== request.params.id) throw new Problem('token-invalid')
    return page
  }

  return router
}
