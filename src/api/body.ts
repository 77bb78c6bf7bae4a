import { createHash } from 'node:crypto'
import express, { type Request, type RequestHandler } from 'express'
import type { Config } from '../config.ts'
import { bodyDeadline } from '../http/body-deadline.ts'

const MAX_JSON_BYTES = 11 * 1024 ** 2

const digests = new WeakMap<object, string>()

/** SHA-256 of a body that was read, in hex; undefined when there was none. */
export function bodyDigest(request: Request): string | undefined {
  return digests.get(request)
}

/** Limits a body's time, and reads it as JSON. */
export function jsonReaders({ BODY_TIMEOUT_S }: Pick<Config, 'BODY_TIMEOUT_S'>): {
  deadline: RequestHandler
  json: RequestHandler
} {
  return {
    deadline: bodyDeadline(BODY_TIMEOUT_S),
    json: express.json({
      // curl -d without a Content-Type sends JSON under the form type.
      type: ['application/json', 'application/x-www-form-urlencoded'],
      limit: MAX_JSON_BYTES,
      verify(request, _response, bytes) {
        if (request.headers['idempotency-key'] === undefined) return
        digests.set(request, createHash('sha256').update(bytes).digest('hex'))
      },
    }),
  }
}

/** Something was sent, of whatever type. */
export function hasBody({ headers }: Request): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}
