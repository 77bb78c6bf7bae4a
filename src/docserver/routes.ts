import { Router } from 'express'
import { errorPage } from '../http/error-page.ts'
import { callbackRoute } from './callback-route.ts'
import type { Door } from './door.ts'
import { endpointErrors } from './endpoint-errors.ts'
import { fileRoute } from './file-route.ts'
import { formatsAnswer } from './formats-answer.ts'
import { openEditor, openingOf } from './open-editor.ts'
import { pageRoutes } from './page-routes.ts'
import { statusAnswer } from './status-answer.ts'

/** Door 1: `/api/onlyoffice/…`, spoken with Document Server and with the pages that hold its editor. */
export function docServerRoutes(door: Door): Router {
  const router = Router()
  const { authentication, limits } = door

  // Document Server's own requests are never limited: only those whose token does not verify count.
  router.use('/file', fileRoute(door))
  router.use('/callback', callbackRoute(door))

  router.use(limits.requests, limits.failures)
  router.get('/config/:id', async (request, response) => {
    const caller = await authentication.byBearerOrCookie(request)
    const { config, token, onlyofficeJsUrl } = await openEditor(
      door,
      caller,
      request.params.id,
      openingOf(request, caller),
    )
    response.set('Cache-Control', 'no-store').json({ config, token, onlyofficeJsUrl })
  })
  router.use(pageRoutes(door))
  router.get('/formats', (_request, response) => {
    response.set('Cache-Control', 'public, max-age=3600').json(formatsAnswer(door.deps))
  })
  router.get('/status', async (request, response) => {
    response.set('Cache-Control', 'no-store').json(await statusAnswer(door, request))
  })
  router.use(errorPage(door.views, door.deps.log), endpointErrors(door.deps.log))
  return router
}
