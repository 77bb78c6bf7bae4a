import { randomBytes } from 'node:crypto'
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { RequestHandler, Response } from 'express'
import helmet from 'helmet'

export type PageOrigins = {
  publicUrl: string
  docServerUrl: string | undefined
  /** Then Document Server's pages are our own. */
  isEmulated: boolean
  /** Sites that may frame the page, beside our own. */
  frameAncestors: readonly string[]
}

/** Sets the headers of a page that holds the editor. @returns the nonce of its scripts */
export function framedPageHeaders(response: Response, origins: PageOrigins): string {
  const nonce = randomBytes(16).toString('base64')
  const docServer = docServerSource(origins)
  const isHttps = origins.publicUrl.startsWith('https:')
  response.set({
    'Content-Security-Policy': [
      "default-src 'none'",
      `script-src 'nonce-${nonce}' ${docServer}`,
      "style-src 'self'",
      "img-src 'self' data:",
      "font-src 'self'",
      "connect-src 'self'",
      `frame-src ${docServer}`,
      "base-uri 'none'",
      "form-action 'self'",
      `frame-ancestors ${frameSources(origins.frameAncestors)}`,
      ...(isHttps ? ['upgrade-insecure-requests'] : []),
    ].join('; '),
    'Referrer-Policy': 'no-referrer',
    'Cache-Control': 'no-store',
  })
  // The policy's frame-ancestors decides; X-Frame-Options knows no lists.
  response.removeHeader('X-Frame-Options')
  return nonce
}

/** `'none'` stands alone. Source: CSP3 §6.4.2. */
function frameSources(given: readonly string[]): string {
  return given.includes("'none'") ? "'none'" : ["'self'", ...given].join(' ')
}

function docServerSource({ docServerUrl, isEmulated }: PageOrigins): string {
  if (isEmulated) return "'self'"
  return docServerUrl === undefined ? "'none'" : new URL(docServerUrl).origin
}

/** For everything else: what helmet says, asked once instead of for each request. */
export function serviceHeaders({ publicUrl }: Pick<PageOrigins, 'publicUrl'>): RequestHandler {
  const isHttps = publicUrl.startsWith('https:')
  const protect = helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'", 'data:'],
        connectSrc: ["'self'"],
        formAction: ["'self'"],
        baseUri: ["'none'"],
        frameAncestors: ["'self'"],
        ...(isHttps ? { upgradeInsecureRequests: [] } : {}),
      },
    },
    // Not no-referrer: then browsers send forms with `Origin: null`. Foreign sites get nothing.
    referrerPolicy: { policy: 'same-origin' },
    strictTransportSecurity: isHttps,
    // Document Server's editor, on another origin, fetches files and changes from us.
    crossOriginResourcePolicy: { policy: 'cross-origin' },
    crossOriginEmbedderPolicy: false,
  })
  const recorded = new ServerResponse(new IncomingMessage(new Socket()))
  protect(recorded.req, recorded, () => {})
  const headers = new Map(Object.entries(recorded.getHeaders()).map(([name, value]) => [name, String(value)]))
  return (_request, response, next) => {
    response.setHeaders(headers)
    next()
  }
}
