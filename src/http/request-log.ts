import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { pinoHttp } from 'pino-http'
import { type Logger, withoutQuery } from '../log.ts'

const QUIET = new Set(['/health', '/ready', '/metrics'])

/** One line a request, with an id that is answered as `X-Request-Id`; queries carry tokens and are cut. */
export function requestLog(log: Logger) {
  return pinoHttp({
    logger: log,
    genReqId: (_request, response) => {
      const id = randomUUID()
      response.setHeader('X-Request-Id', id)
      return id
    },
    customLogLevel: (_request, response, error) =>
      error || response.statusCode >= 500 ? 'warn' : response.statusCode >= 400 ? 'info' : 'debug',
    autoLogging: { ignore: (request) => QUIET.has(request.url ?? '') },
    // The request's own logger would be a child made for each request, and nothing uses it.
    quietReqLogger: true,
    serializers: { req: () => undefined, res: () => undefined },
    customAttributeKeys: { reqId: 'requestId', responseTime: 'durationMs' },
    customSuccessObject: (request, response, line) => ({ ...seen(request, response), ...line }),
    customErrorObject: (request, response, _error, line) => ({ ...seen(request, response), ...line }),
  })
}

function seen(request: IncomingMessage & { originalUrl?: string }, response: ServerResponse) {
  const path = withoutQuery(request.originalUrl ?? request.url ?? '')
  return { method: request.method, path, status: response.statusCode }
}
