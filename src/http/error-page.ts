import type { ErrorRequestHandler, Request } from 'express'
import type { Logger } from '../log.ts'
import type { Views } from '../pages/views.ts'
import { asProblem, logFault, setProblemHeaders } from './problem-json.ts'

/** Shows a page to a browser; everyone else's errors go on to the handler behind. */
export function errorPage(views: Views, log: Logger): ErrorRequestHandler {
  return (error, request, response, next) => {
    if (response.headersSent || !wantsPage(request)) return next(error)
    const problem = asProblem(error)
    if (problem === undefined) logFault(log, error, request)
    else setProblemHeaders(response, problem)
    const status = problem?.status ?? 500
    response
      .status(status)
      .set('Cache-Control', 'no-store')
      .send(
        views.render('error', {
          title: problem?.title ?? 'Something went wrong on our side',
          message: problem === undefined ? 'The log of the service says more.' : problem.message,
          status,
        }),
      )
  }
}

/** Scripts say so themselves. Source: TMA Cloud, OnlyOffice API, Viewer. */
function wantsPage(request: Request): boolean {
  if (request.get('X-Requested-With') === 'XMLHttpRequest') return false
  return request.accepts(['json', 'html']) === 'html'
}
