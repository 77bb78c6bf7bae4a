import type { ErrorRequestHandler, Request, Response } from 'express'
import { ZodError } from 'zod'
import { type FieldErrors, Problem } from '../errors.ts'
import type { Logger } from '../log.ts'

/** Turns whatever was thrown into a Problem, undefined for a fault of ours. */
export function asProblem(error: unknown): Problem | undefined {
  if (error instanceof Problem) return error
  if (error instanceof ZodError) {
    return new Problem('validation-failed', undefined, { errors: fieldErrors(error), cause: error })
  }
  if (!(error instanceof Error)) return undefined
  // Express' own body readers name their faults in `type`.
  const type = 'type' in error ? error.type : undefined
  if (type === 'entity.too.large') return new Problem('body-too-large')
  if (type === 'encoding.unsupported' || type === 'charset.unsupported')
    return new Problem('media-type-unsupported')
  if (typeof type === 'string' || error instanceof URIError) return new Problem('malformed-body')
  // A command of the command line is writing.
  if ('code' in error && error.code === 'SQLITE_BUSY') {
    return new Problem('storage-unavailable', undefined, { cause: error, retryAfterS: 5 })
  }
  // Bytes that are not of the announced encoding.
  if ('status' in error && error.status === 400) return new Problem('malformed-body')
  return undefined
}

/** Faults that are told; more would only repeat themselves. */
const MOST_FAULTS = 100

function fieldErrors(error: ZodError): FieldErrors {
  const errors: FieldErrors = {}
  for (const issue of error.issues.slice(0, MOST_FAULTS)) {
    const field = issue.path.join('.').slice(0, 200)
    errors[field] = [...(errors[field] ?? []), issue.message]
  }
  return errors
}

/** Headers that go with a problem on every door. */
export function setProblemHeaders(response: Response, problem: Problem): void {
  // Of the file that was to be sent.
  for (const name of ['ETag', 'Accept-Ranges', 'Content-Disposition']) response.removeHeader(name)
  if (problem.retryAfterS !== undefined) response.set('Retry-After', String(problem.retryAfterS))
  if (problem.status === 401) response.set('WWW-Authenticate', 'Bearer')
}

/** A fault of ours; its detail stays in the log. */
export function logFault(log: Logger, error: unknown, request: Request): void {
  log.error({ err: error, requestId: request.id }, 'request failed')
}

/** Errors of the REST API. Source: RFC 9457. */
export function problemJson(log: Logger): ErrorRequestHandler {
  return (error, request, response, next) => {
    const problem = asProblem(error)
    if (problem === undefined) logFault(log, error, request)
    if (response.headersSent) return next(error)

    if (problem !== undefined) setProblemHeaders(response, problem)
    response
      .status(problem?.status ?? 500)
      .type('application/problem+json')
      .json({
        type: `urn:docs-connector:problem:${problem?.code ?? 'internal'}`,
        title: problem?.title ?? 'Something went wrong on our side',
        status: problem?.status ?? 500,
        code: problem?.code ?? 'internal',
        ...(problem === undefined ? {} : { detail: problem.message }),
        ...(problem?.errors === undefined ? {} : { errors: problem.errors }),
        ...problem?.members,
        traceId: String(request.id),
      })
  }
}
