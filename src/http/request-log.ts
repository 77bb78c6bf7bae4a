import { randomUUID } from 'node:crypto'
import type { RequestHandler } from 'express'
import { type Logger, withoutQuery } from '../log.ts'

declare global {
  namespace Express {
    interface Request {
      /** Answered as `X-Request-Id` and named in the log. */
      id: string
    }
  }
}

const QUIET = new Set(['/health', '/ready', '/metrics'])

/**
 * One line a request; queries carry tokens and are cut. No logger is made for each request: on the
 * hot routes that costs more than the work itself.
 */
export function requestLog(log: Logger): RequestHandler {
  return (request, response, next) => {
    request.id = randomUUID()
    response.setHeader('X-Request-Id', request.id)
    const started = performance.now()
    response.once('close', () => {
      const { statusCode: status } = response
      const isBrokenOff = !response.writableFinished
      const level = status >= 500 ? 'warn' : status >= 400 || isBrokenOff ? 'info' : 'debug'
      if (!log.isLevelEnabled(level) || QUIET.has(request.path)) return
      log[level](
        {
          requestId: request.id,
          method: request.method,
          path: withoutQuery(request.originalUrl),
          status,
          durationMs: Math.round(performance.now() - started),
          ...(isBrokenOff ? { isBrokenOff } : {}),
        },
        'request',
      )
    })
    next()
  }
}
