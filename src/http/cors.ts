import type { RequestHandler } from 'express'

const HEADERS =
  'Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Range, X-Requested-With'
const EXPOSED =
  'Allow, Content-Disposition, Content-Range, ETag, Idempotent-Replayed, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id'

/** Any site may call with a token of its own, never with our cookies. `origins` narrows it. Source: Fetch Standard, CORS. */
export function cors(origins: readonly string[]): RequestHandler {
  return (request, response, next) => {
    const origin = request.headers.origin
    const allowed = origins.length === 0 ? '*' : origins.find((one) => one === origin)
    response.vary('Origin')
    if (allowed !== undefined) {
      response.set({ 'Access-Control-Allow-Origin': allowed, 'Access-Control-Expose-Headers': EXPOSED })
    }
    if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined)
      return next()
    response.set({
      'Access-Control-Allow-Methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
      'Access-Control-Allow-Headers': HEADERS,
      'Access-Control-Max-Age': '600',
    })
    response.status(204).end()
  }
}
