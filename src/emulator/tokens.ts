import { createSecretKey, type KeyObject } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import jwt, { type Algorithm } from 'jsonwebtoken'
import type { SignedConfig } from './types.ts'

const ALGORITHMS: Algorithm[] = ['HS256', 'HS384', 'HS512']
const CLOCK_TOLERANCE_S = 60
const OUTBOX_LIFETIME_S = 300

export type Verified =
  | { payload: Record<string, unknown>; error?: undefined }
  | { error: 'bad' | 'expired'; payload?: undefined }

// A string secret is turned into a key at every call, which is slow.
const keys = new Map<string, KeyObject>()

function keyOf(secret: string): KeyObject {
  let key = keys.get(secret)
  if (!key) {
    if (keys.size > 100) keys.clear()
    key = createSecretKey(Buffer.from(secret))
    keys.set(secret, key)
  }
  return key
}

export function sign(
  payload: object,
  options: { secret: string; now: Date; algorithm?: Algorithm; expiresInS?: number },
): string {
  const iat = Math.floor(options.now.getTime() / 1000)
  const exp = iat + (options.expiresInS ?? OUTBOX_LIFETIME_S)
  return jwt.sign({ ...payload, iat, exp }, keyOf(options.secret), {
    algorithm: options.algorithm ?? 'HS256',
    allowInsecureKeySizes: true,
  })
}

export function verify(token: unknown, options: { secret: string; now: Date }): Verified {
  if (typeof token !== 'string') return { error: 'bad' }
  try {
    const payload = jwt.verify(token, keyOf(options.secret), {
      algorithms: ALGORITHMS,
      clockTolerance: CLOCK_TOLERANCE_S,
      clockTimestamp: Math.floor(options.now.getTime() / 1000),
    })
    return typeof payload === 'object' ? { payload } : { error: 'bad' }
  } catch (error) {
    return { error: error instanceof jwt.TokenExpiredError ? 'expired' : 'bad' }
  }
}

/**
 * The signed part of a request to the command and conversion services: body token, else header,
 * else query. A bad body token is not saved by a good header.
 */
export function verifyInbox(
  request: { bodyToken: unknown; authorization: string | undefined; queryToken: unknown },
  options: { secret: string; now: Date },
): Verified {
  if (request.bodyToken !== undefined) return verify(request.bodyToken, options)
  if (request.authorization?.startsWith('Bearer ')) {
    const verified = verify(request.authorization.slice('Bearer '.length), options)
    const inner = verified.payload?.payload
    return inner && typeof inner === 'object' ? { payload: { ...inner } } : verified
  }
  return verify(request.queryToken, options)
}

/**
 * Checks an editor config as strictly as Document Server does since 7.1.
 *
 * @returns the config as signed, or the `errorCode` of `onError`
 */
export function verifyConfig(
  config: SignedConfig,
  options: { secret: string; now: Date },
): { config: SignedConfig; errorCode?: undefined } | { errorCode: -20 | -21; config?: undefined } {
  const verified = verify(config.token, options)
  if (!verified.payload) return { errorCode: verified.error === 'expired' ? -21 : -20 }
  const signed = verified.payload
  // These three make Document Server take the token for one of another purpose.
  if ('url' in signed || 'payload' in signed || 'key' in signed) return { errorCode: -20 }
  if (!isConfig(signed)) return { errorCode: -20 }
  const equal =
    signed.document.key === config.document?.key &&
    signed.document.url === config.document.url &&
    isDeepStrictEqual(plain(signed.document.permissions), plain(config.document.permissions)) &&
    signed.editorConfig?.callbackUrl === config.editorConfig?.callbackUrl &&
    signed.editorConfig?.mode === config.editorConfig?.mode &&
    isDeepStrictEqual(plain(signed.editorConfig?.user), plain(config.editorConfig?.user))
  return equal ? { config: signed } : { errorCode: -20 }
}

function isConfig(value: Record<string, unknown>): value is SignedConfig {
  const { document, editorConfig } = value
  if (!isObject(document) || !isUsableKey(document.key) || typeof document.url !== 'string') return false
  if (document.permissions !== undefined && !isObject(document.permissions)) return false
  if (editorConfig === undefined) return true
  if (!isObject(editorConfig)) return false
  const { callbackUrl, mode, user, coEditing, customization } = editorConfig
  return (
    [callbackUrl, mode, document.title, document.fileType].every(isOptionalString) &&
    [user, coEditing, customization].every((part) => part === undefined || isObject(part)) &&
    (!isObject(user) || [user.id, user.name].every(isOptionalString))
  )
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isOptionalString(value: unknown): boolean {
  return value === undefined || typeof value === 'string'
}

export function isUsableKey(key: unknown): key is string {
  return typeof key === 'string' && /^[0-9a-zA-Z._=-]{1,240}$/.test(key)
}

function plain(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value))
}
