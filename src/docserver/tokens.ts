import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto'
import jwt from 'jsonwebtoken'

/** Both sides' clocks may differ by this. Source: Document Server, services.CoAuthoring.token.verifyOptions.clockTolerance. */
const TOLERANCE_S = 60

/** Signs and verifies what Document Server reads and writes; nothing else is signed with its secret. */
export type DocServerTokens = {
  /** HS256; `expiresInS` from now. */
  sign(payload: object, expiresInS?: number): string
  /** The payload, undefined when the signature, algorithm (HS256 only) or time is wrong. */
  verify(token: string): Record<string, unknown> | undefined
}

/** @param previous still verifies while the secret is being changed; it never signs */
export function createDocServerTokens(
  { secret, previous }: { secret: string; previous?: string | undefined },
  clock: () => Date,
): DocServerTokens {
  // A KeyObject made once signs 25 times faster than a string.
  const signingKey = createSecretKey(secret, 'utf8')
  const verifyingKeys = [signingKey, ...(previous === undefined ? [] : [createSecretKey(previous, 'utf8')])]
  const seconds = () => Math.floor(clock().getTime() / 1000)
  return {
    sign(payload, expiresInS) {
      const iat = seconds()
      const times = expiresInS === undefined ? { iat } : { iat, exp: iat + expiresInS }
      return jwt.sign({ ...payload, ...times }, signingKey, { algorithm: 'HS256' })
    },
    verify(token) {
      for (const key of verifyingKeys) {
        if (!isSignedWith(key, token)) continue
        try {
          const payload = jwt.verify(token, key, {
            algorithms: ['HS256'],
            clockTimestamp: seconds(),
            clockTolerance: TOLERANCE_S,
          })
          if (typeof payload === 'object') return payload
        } catch {
          // Out of its time, or of another algorithm.
        }
      }
      return undefined
    },
  }
}

/** Before the library decodes anything: what strangers send may be megabytes of nested JSON. Source: RFC 7515 §5.2. */
function isSignedWith(key: KeyObject, token: string): boolean {
  const end = token.lastIndexOf('.')
  if (end === -1) return false
  const expected = createHmac('sha256', key).update(token.slice(0, end)).digest()
  const given = Buffer.from(token.slice(end + 1), 'base64url')
  return given.length === expected.length && timingSafeEqual(given, expected)
}
