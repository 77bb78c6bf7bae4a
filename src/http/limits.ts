import type { RequestHandler, Response } from 'express'
import { ipKeyGenerator, MemoryStore, type Options, rateLimit, type Store } from 'express-rate-limit'
import onHeaders from 'on-headers'
import type { Config } from '../config.ts'
import { Problem } from '../errors.ts'
import { type RedisCommands, SharedStore } from './shared-store.ts'

const WINDOW_MS = 15 * 60_000
const FAILURE_WINDOW_MS = 60_000

export type Limits = {
  /** All requests. */
  requests: RequestHandler
  /** Failed attempts to sign in or to use a token. */
  failures: RequestHandler
  /** The same count for what is no request to Express: WebSockets. */
  failed: FailureCount
  /** Requests to Document Server's own endpoints without a good token. */
  strangers: RequestHandler
}

/**
 * The only two HTTP limits, both by address.
 *
 * @param redis where all nodes count together; undefined for a single node
 */
export function createLimits(
  config: Pick<Config, 'RATE_LIMIT_MAX' | 'AUTH_RATE_LIMIT_MAX'>,
  redis?: RedisCommands,
): Limits {
  const storeOf = (name: string): Counts =>
    redis === undefined ? new MemoryStore() : new SharedStore(redis, name)
  const failed = countFailures(storeOf('failures'), config.AUTH_RATE_LIMIT_MAX, FAILURE_WINDOW_MS)
  return {
    requests: rateLimit({
      store: storeOf('requests'),
      windowMs: WINDOW_MS,
      limit: config.RATE_LIMIT_MAX,
      standardHeaders: 'draft-7',
      legacyHeaders: false,
      // It would only print advice about proxies; TRUST_PROXY is documented.
      validate: false,
      handler: (_request, response, next) => next(tooMany(response)),
    }),
    failures: limitFailures(401, failed),
    failed,
    strangers: limitFailures(403, countFailures(storeOf('strangers'), config.RATE_LIMIT_MAX, WINDOW_MS)),
  }
}

function tooMany(response: Response): Problem {
  return new Problem('too-many-requests', undefined, {
    retryAfterS: Number(response.getHeader('Retry-After')) || 60,
  })
}

export type FailureCount = {
  /** @throws Problem `too-many-requests` */
  demandFew(address: string | undefined): Promise<void>
  note(address: string | undefined): Promise<void>
}

type Counts = Store & Required<Pick<Store, 'init' | 'get'>>

function countFailures(failures: Counts, most: number, windowMs: number): FailureCount {
  failures.init({ windowMs } as Options)
  return {
    async demandFew(address = '') {
      const counted = await failures.get(ipKeyGenerator(address))
      if (counted === undefined || counted.totalHits < most) return
      const untilMs = (counted.resetTime?.getTime() ?? Date.now() + windowMs) - Date.now()
      const retryAfterS = Math.max(1, Math.ceil(untilMs / 1000))
      throw new Problem('too-many-requests', 'too many failed attempts', { retryAfterS })
    },
    async note(address = '') {
      await failures.increment(ipKeyGenerator(address))
    },
  }
}

/** Counts answers of one status alone: whoever knows a good token is never counted, however many requests are under way. */
function limitFailures(status: 401 | 403, failed: FailureCount): RequestHandler {
  return async (request, response, next) => {
    try {
      await failed.demandFew(request.ip)
    } catch (error) {
      // Some routes call it themselves, once a token has proved bad.
      return next(error)
    }
    // Before anybody can read the answer and try again.
    onHeaders(response, () => {
      if (response.statusCode === status) void failed.note(request.ip)
    })
    next()
  }
}
