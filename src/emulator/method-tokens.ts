import { isDeepStrictEqual } from 'node:util'
import { verify, verifyConfig } from './tokens.ts'
import type { SignedConfig } from './types.ts'

// Source: ONLYOFFICE Docs API, Security, Signature, Browser, Methods.
const SIGNED_METHODS = new Set([
  'insertImage',
  'setHistoryData',
  'setMailMergeRecipients',
  'setReferenceData',
  'setReferenceSource',
  'setRequestedDocument',
  'setRequestedSpreadsheet',
  'setRevisedFile',
])

/** `bad`: not signed with our secret; `differs`: it signs something else than what was passed. */
export type TokenFault = 'missing' | 'bad' | 'expired' | 'differs'

/** `isTokenValid` is undefined where no token is asked for. */
export type TokenCheck = { isTokenValid: boolean | undefined; tokenFault?: TokenFault }

type Signing = { secret: string; now: Date }

/** The token of a method has to sign exactly the argument beside it. */
export function checkArgument(method: string, argument: unknown, signing: Signing): TokenCheck {
  if (!SIGNED_METHODS.has(method)) return { isTokenValid: undefined }
  const { token, ...passed } = fieldsOf(argument)
  // A message of failure names no address and may go unsigned.
  if (token === undefined && typeof passed.error === 'string') return { isTokenValid: undefined }
  return checked(token, signing, (signed) => {
    const { iat: _iat, exp: _exp, ...payload } = signed
    return isDeepStrictEqual(payload, passed)
  })
}

/** As `verifyConfig`, with the reason. */
export function checkConfig(config: SignedConfig, signing: Signing): TokenCheck {
  return checked(config.token, signing, () => verifyConfig(config, signing).config !== undefined)
}

/** The addresses in an argument that Document Server's own server fetches, in their order. */
export function addressesIn(argument: unknown): string[] {
  const { images, url, previous } = fieldsOf(argument)
  const listed = Array.isArray(images) ? images.map((image) => fieldsOf(image).url) : []
  return [...listed, url, fieldsOf(previous).url].filter((address) => typeof address === 'string')
}

/** The address in an argument of `setHistoryData` that the browser fetches. */
export function changesAddressIn(argument: unknown): string | undefined {
  const { changesUrl } = fieldsOf(argument)
  return typeof changesUrl === 'string' ? changesUrl : undefined
}

export function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

function checked(
  token: unknown,
  signing: Signing,
  isSame: (signed: Record<string, unknown>) => boolean,
): TokenCheck {
  if (token === undefined) return { isTokenValid: false, tokenFault: 'missing' }
  const { payload, error } = verify(token, signing)
  if (!payload) return { isTokenValid: false, tokenFault: error }
  return isSame(payload) ? { isTokenValid: true } : { isTokenValid: false, tokenFault: 'differs' }
}
