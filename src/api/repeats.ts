import { createHash } from 'node:crypto'
import type { Request, Response } from 'express'
import { authorOf, type Caller } from '../core/callers.ts'
import type { Deps } from '../core/deps.ts'
import { createRepeats as createCoreRepeats, type StoredAnswer } from '../core/repeats.ts'
import { Problem } from '../errors.ts'
import { bodyDigest } from './body.ts'

const HEADER = /^[\x21-\x7e]{1,255}$/

export type Repeats = {
  /**
   * Makes an answer, or gives the one that the same request was given before.
   *
   * Source: draft-ietf-httpapi-idempotency-key-header.
   *
   * @param make is given an id for what it makes
   * @throws Problem `idempotency-key-invalid`, `idempotency-key-in-use`, `idempotency-key-reused`; whatever `make` throws
   */
  answer(
    request: Request,
    response: Response,
    caller: Caller | undefined,
    make: (resourceId: string) => Promise<StoredAnswer>,
  ): Promise<StoredAnswer>
}

export function createRepeats(deps: Pick<Deps, 'database' | 'clock' | 'locks'>, rootSecret: string): Repeats {
  const repeats = createCoreRepeats(deps, rootSecret)
  return {
    async answer(request, response, caller, make) {
      const key = request.get('Idempotency-Key')
      if (key === undefined) return make(repeats.newId())
      if (!HEADER.test(key)) {
        throw new Problem('idempotency-key-invalid', 'one to 255 visible ASCII characters')
      }
      const callerId = caller === undefined ? 'nobody' : authorOf(caller).id
      const fingerprint = fingerprintOf(request)
      const { answer, isRepeated } = await repeats.run({ callerId, key, fingerprint }, make)
      if (isRepeated) response.set('Idempotent-Replayed', 'true')
      return answer
    },
  }
}

/** Of an uploaded file only the address counts: its bytes come as a stream. */
function fingerprintOf(request: Request): string {
  const asked = [request.method, request.originalUrl, bodyDigest(request)]
  return createHash('sha256').update(JSON.stringify(asked)).digest('hex')
}
