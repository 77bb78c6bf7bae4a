import jwt from 'jsonwebtoken'
import { expect } from 'vitest'
import { SECRET, type TestApp } from '../support/app.ts'

export type Asked = { as?: string | null; headers?: Record<string, string> }

/** Asks something about a document, as its page does. `body` undefined: GET. */
export async function ask(
  app: TestApp,
  id: string,
  path: string,
  body?: object | FormData,
  asked: Asked = {},
) {
  const { headers = {}, ...as } = asked
  const sent =
    body === undefined
      ? {}
      : body instanceof FormData
        ? { method: 'POST', body }
        : { method: 'POST', body: JSON.stringify(body) }
  const response = await app.fetch(`/api/onlyoffice/documents/${id}/${path}`, {
    ...as,
    ...sent,
    headers: {
      ...(body === undefined || body instanceof FormData ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
  })
  const text = await response.text()
  // biome-ignore lint/suspicious/noExplicitAny: each answer has a shape of its own, which the tests check
  return { status: response.status, answer: (text === '' ? undefined : JSON.parse(text)) as any, response }
}

/** The payload, after its token was found to hold exactly this, signed for an hour. */
export function signedPayload<T extends { token: string }>({ token, ...payload }: T): Omit<T, 'token'> {
  const { iat, exp, ...signed } = jwt.verify(token, SECRET, { algorithms: ['HS256'] }) as jwt.JwtPayload
  expect(signed).toEqual(payload)
  expect((exp ?? 0) - (iat ?? 0)).toBe(3600)
  return payload
}

/** The bytes behind an address that was handed to the editor. */
export async function bytesAt(url: string): Promise<Buffer> {
  const response = await fetch(url)
  expect([url, response.status]).toEqual([url, 200])
  return Buffer.from(await response.arrayBuffer())
}

export async function embedTokenOf(app: TestApp, documentId: string): Promise<string> {
  const response = await app.fetch('/api/embed', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ documentId, permissions: ['view', 'comment', 'edit'] }),
  })
  return ((await response.json()) as { token: string }).token
}

/** Of the page that the test client opens. */
export async function pageTokenOf(app: TestApp, documentId: string): Promise<string> {
  const headers = { accept: 'text/html' }
  const html = await (await app.fetch(`/api/onlyoffice/viewer/${documentId}`, { headers })).text()
  return /"pageToken":"([^"]+)"/.exec(html)?.[1] ?? ''
}
