import type { ErrorRequestHandler } from 'express'
import type { Problem } from '../errors.ts'
import { asProblem, logFault, setProblemHeaders } from '../http/problem-json.ts'
import type { Logger } from '../log.ts'

/** Errors of the ONLYOFFICE endpoints: `{message, error}`. Source: TMA Cloud, OnlyOffice API. */
export function endpointErrors(log: Logger): ErrorRequestHandler {
  return (error, request, response, next) => {
    const problem = asProblem(error)
    if (problem === undefined) logFault(log, error, request)
    if (response.headersSent) return next(error)

    if (problem !== undefined) setProblemHeaders(response, problem)
    response
      .status(problem?.status ?? 500)
      .set('Cache-Control', 'no-store')
      .json({
        message: problem?.message ?? 'Something went wrong on our side',
        error: codeOf(problem),
        ...(problem?.errors === undefined ? {} : { errors: problem.errors }),
      })
  }
}

/** The code that the contract names; ours elsewhere. */
function codeOf(problem: Problem | undefined): string {
  if (problem?.code === 'content-mismatch') return 'MIME_TYPE_MISMATCH'
  return (problem?.code ?? 'internal').toUpperCase().replaceAll('-', '_')
}
