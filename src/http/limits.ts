import type { RequestHandler, Response } from 'express'
import { ipKeyGenerator, MemoryStore, rateLimit } from 'express-rate-limit'
import type { Config } from '../config.ts'
import { Problem } from '../errors.ts'

const WINDOW_MS = 15 * 60_000
const FAILURE_WINDOW_MS = 60_000

export type Limits = {
  /** All requests. */
  requests: RequestHandler
  /** Failed attempts to sign in or to use a token. */
  failures: RequestHandler
  /** Requests to Document Server's own endpoints without a good token. */
  strangers: RequestHandler
}

/** The only two HTTP limits, both by address. */
export function createLimits(config: Pick<Config, 'RATE_LIMIT_MAX' | 'AUTH_RATE_LIMIT_MAX'>): Limits {
  return {
    requests: rateLimit({
      windowMs: WINDOW_MS,
      limit: config.RATE_LIMIT_MAX,
      standardHeaders: 'draft-7',
      legacyHeaders: false,
      // It would only print advice about proxies; TRUST_PROXY is documented.
      validate: false,
      handler: (_request, response, next) => next(tooMany(response)),
    }),
    failures: limitFailures(401, config.AUTH_RATE_LIMIT_MAX, FAILURE_WINDOW_MS),
    strangers: limitFailures(403, config.RATE_LIMIT_MAX, WINDOW_MS),
  }
}

function tooMany(response: Response): Problem {
  return new Problem('too-many-requests', undefined, {
    retryAfterS: Number(response.getHeader('Retry-After')) || 60,
  })
}

/** Counts answers of one status alone: whoever knows a good token is never counted, however many requests are under way. */
function limitFailures(status: 401 | 403, most: number, windowMs: number): RequestHandler {
  const failures = new MemoryStore()
  failures.init({ windowMs } as Parameters<MemoryStore['init']>[0])
  return async (request, response, next) => {
    const address = ipKeyGenerator(request.ip ?? '')
    const counted = await failures.get(address)
    if (counted !== undefined && counted.totalHits >= most) {
      const untilMs = (counted.resetTime?.getTime() ?? Date.now() + windowMs) - Date.now()
      const retryAfterS = Math.max(1, Math.ceil(untilMs / 1000))
      return next(new Problem('too-many-requests', 'too many failed attempts', { retryAfterS }))
    }
    response.once('finish', () => {
      if (response.statusCode === status) void failures.increment(address)
    })
    next()
  }
}
