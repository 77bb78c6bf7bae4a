import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { rootCertificates } from 'node:tls'
import axios, { isAxiosError } from 'axios'
import { trustedAuthorities } from '../docserver/authorities.ts'

const MAX_ANSWER_BYTES = 4 * 1024 ** 2

/** Certificates that are believed: as our own client does and browsers may, or as Document Server does by itself. */
export type Trust = 'ours' | 'system'

/** Why no answer came. */
export type Fault = { kind: 'name' | 'connection' | 'time' | 'certificate' | 'other'; code: string }

export type Answer = {
  status: number
  body: string
  /** Names in lower case. */
  headers: Record<string, string>
}

export type Outcome = { answer: Answer; fault?: undefined } | { fault: Fault; answer?: undefined }

export type RequestOptions = {
  trust: Trust
  /** Over all. */
  limitMs: number
  headers?: Record<string, string>
  /** Posted as JSON. */
  body?: object
}

/** Sends one request; never throws, follows no redirect. */
export type Send = (url: string, options: RequestOptions) => Promise<Outcome>

const CERTIFICATE_CODES = /CERT|SELF_SIGNED|UNABLE_TO_|ERR_TLS_|HOSTNAME_MISMATCH/
const NAME_CODES = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EAI_NODATA', 'EAI_FAIL'])
const CONNECTION_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'EPIPE',
  'EPROTO',
])

/** @param caFile PEM file of a private certificate authority, for us and, it may be, for browsers */
export function createSend(caFile: string | undefined): Send {
  const authorities: Record<Trust, string[] | undefined> = {
    ours: trustedAuthorities(caFile),
    // What it was given beside, we cannot know; what this process was given beside is not its.
    system: [...rootCertificates],
  }

  return async (url, { trust, limitMs, headers = {}, body }) => {
    const ca = authorities[trust]
    try {
      const response = await axios.request<string>({
        url,
        method: body === undefined ? 'GET' : 'POST',
        headers,
        ...(body === undefined ? {} : { data: body }),
        signal: AbortSignal.timeout(limitMs),
        maxContentLength: MAX_ANSWER_BYTES,
        responseType: 'text',
        transformResponse: (data: unknown) => data,
        // One request for each: nothing stays open.
        httpAgent: new HttpAgent(),
        httpsAgent: new HttpsAgent(ca === undefined ? {} : { ca }),
        proxy: false,
        maxRedirects: 0,
        validateStatus: () => true,
      })
      const entries = Object.entries(response.headers).map(([name, value]) => [name, String(value)])
      const answer = { status: response.status, body: String(response.data ?? '') }
      return { answer: { ...answer, headers: Object.fromEntries(entries) } }
    } catch (error) {
      return { fault: faultOf(error) }
    }
  }
}

function faultOf(error: unknown): Fault {
  return faultOfCode(isAxiosError(error) ? (error.code ?? 'no answer') : 'no answer')
}

/** @param code of the operating system, of Node or of axios */
export function faultOfCode(code: string): Fault {
  if (code === 'ERR_CANCELED' || code === 'ETIMEDOUT' || code === 'ECONNABORTED')
    return { kind: 'time', code }
  if (NAME_CODES.has(code)) return { kind: 'name', code }
  if (CERTIFICATE_CODES.test(code)) return { kind: 'certificate', code }
  if (CONNECTION_CODES.has(code) || code.startsWith('ERR_SSL')) return { kind: 'connection', code }
  return { kind: 'other', code }
}

/** For evidence. */
export function inWords({ kind, code }: Fault): string {
  switch (kind) {
    case 'name':
      return `the name does not resolve (${code})`
    case 'time':
      return 'no answer came in time'
    case 'certificate':
      return `the certificate is not trusted (${code})`
    case 'other':
      return `what answers cannot be read (${code})`
    default:
      return `there is no connection (${code})`
  }
}

/** The JSON object in an answer. */
export function jsonOf({ body }: Answer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}
