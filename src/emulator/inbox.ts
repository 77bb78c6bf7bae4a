import express, { type Request, type RequestHandler } from 'express'
import { type Verified, verifyInbox } from './tokens.ts'

const MAX_BODY_BYTES = 1024 * 1024

export type Settings = {
  secret: string
  publicUrl: string
  /** Header of the tokens, both ways. */
  jwtHeader: string
  /** False: what stands in the body counts without a token. */
  inboxTokens: boolean
}

/** The body as text, whatever type it is said to be. */
export const readBody: RequestHandler = express.text({ type: () => true, limit: MAX_BODY_BYTES })

/** The signed parameters of a request; what stands unsigned beside them counts for nothing. */
export function signedParameters(request: Request, settings: Settings, now: Date): Verified {
  if (!settings.inboxTokens) return { payload: { ...request.query, ...jsonBody(request) } }
  return verifyInbox(
    {
      bodyToken: jsonBody(request).token,
      authorization: request.get(settings.jwtHeader),
      queryToken: request.query.token,
    },
    { secret: settings.secret, now },
  )
}

/** The address by which this request came: Document Server builds the urls of its answers on it. */
export function addressOf(request: Request, settings: Pick<Settings, 'publicUrl'>): string {
  const host = request.get('host')
  const { host: ownHost, pathname } = new URL(settings.publicUrl)
  if (!host || host === ownHost || !/^[\w.:[\]-]+$/.test(host)) return settings.publicUrl
  return `${request.protocol}://${host}${pathname.replace(/\/$/, '')}`
}

/** The JSON object in the body, also when a parser of the mounting app has read it before; else empty. */
export function jsonBody(request: Request): Record<string, unknown> {
  try {
    const body: unknown = typeof request.body === 'string' ? JSON.parse(request.body) : request.body
    return typeof body === 'object' && body !== null ? { ...body } : {}
  } catch {
    return {}
  }
}
