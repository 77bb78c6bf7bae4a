import { Router } from 'express'
import { admissionOfCaller } from '../core/sharing/admission.ts'
import { errorPage } from '../http/error-page.ts'
import { serveActions } from './action.ts'
import { choiceActions } from './actions/choices.ts'
import { fillingActions } from './actions/filling.ts'
import { historyActions } from './actions/history.ts'
import { linkedFileActions } from './actions/linked-files.ts'
import { markActions } from './actions/marks.ts'
import { namingActions } from './actions/naming.ts'
import { noticeActions } from './actions/notices.ts'
import { peopleActions } from './actions/people.ts'
import { referenceActions } from './actions/references.ts'
import { savingActions } from './actions/saving.ts'
import { callbackRoute } from './callback-route.ts'
import type { Door } from './door.ts'
import { endpointErrors } from './endpoint-errors.ts'
import { fileRoute } from './file-route.ts'
import { formatsAnswer } from './formats-answer.ts'
import { jsonBody } from './json-body.ts'
import { openEditor, openingOf } from './open-editor.ts'
import { pageRoutes } from './page-routes.ts'
import { probeRoute } from './probe-route.ts'
import { statusAnswer } from './status-answer.ts'

/** Door 1: `/api/onlyoffice/…`, spoken with Document Server and with the pages that hold its editor. */
export function docServerRoutes(door: Door): Router {
  const router = Router()
  const { authentication, limits } = door

  // Document Server's own requests are never limited: only those whose token does not verify count.
  router.use('/file', fileRoute(door))
  router.use('/callback', callbackRoute(door))
  router.use('/probe', probeRoute(door))

  router.use(limits.requests, limits.failures)
  router.get('/config/:id', async (request, response) => {
    const caller = await authentication.byBearerOrCookie(request)
    const opening = openingOf(request, caller)
    const admission = admissionOfCaller(caller, opening.user)
    const { config, token, onlyofficeJsUrl } = await openEditor(door, admission, request.params.id, opening)
    response.set('Cache-Control', 'no-store').json({ config, token, onlyofficeJsUrl })
  })
  router.use(pageRoutes(door))
  router.use('/documents', jsonBody(door.deps.config))
  router.use(
    serveActions(door, [
      ...historyActions(door),
      ...namingActions(door),
      ...savingActions(door),
      ...linkedFileActions(door),
      ...referenceActions(door),
      ...peopleActions(door),
      ...markActions(door),
      ...fillingActions(door),
      ...noticeActions(door),
      ...choiceActions(door),
    ]),
  )
  router.get('/formats', (_request, response) => {
    response.set('Cache-Control', 'public, max-age=3600').json(formatsAnswer(door.deps))
  })
  router.get('/status', async (request, response) => {
    response.set('Cache-Control', 'no-store').json(await statusAnswer(door, request))
  })
  router.use(errorPage(door.views, door.deps.log), endpointErrors(door.deps.log))
  return router
}
