import { expect, test } from 'vitest'
import { startApp } from '../support/app.ts'
import { makeDocx } from '../support/files.ts'

const ORIGIN = 'https://files.example.com'
const preflight = {
  origin: ORIGIN,
  'access-control-request-method': 'POST',
  'access-control-request-headers': 'authorization',
}

test('any site may call the API with a token of its own, never with our cookies', async () => {
  await using app = await startApp()
  const id = await app.upload('a.docx', makeDocx(['One']))
  const response = await app.fetch(`/api/documents/${id}/download`, { headers: { origin: ORIGIN } })
  expect(response.headers.get('access-control-allow-origin')).toBe('*')
  expect(response.headers.get('access-control-allow-credentials')).toBeNull()
  expect(response.headers.get('access-control-expose-headers')).toMatch(/Content-Disposition.*ETag/)
  for (const path of [
    '/api/documents',
    '/api/documents/upload',
    '/api/onlyoffice/config/x',
    '/api/auth/token',
  ]) {
    const asked = await app.fetch(path, { method: 'OPTIONS', as: null, headers: preflight })
    expect(asked.status).toBe(204)
    expect(asked.headers.get('access-control-allow-headers')).toMatch(/Authorization/)
    expect(asked.headers.get('access-control-allow-methods')).toMatch(/POST/)
  }
  const refused = await app.fetch('/api/documents', { as: null, headers: { origin: ORIGIN } })
  expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([401, '*'])
})

test('CORS_ORIGINS narrows it to the sites named', async () => {
  await using app = await startApp({ env: { CORS_ORIGINS: `${ORIGIN}, https://other.example` } })
  const allowed = async (origin: string) =>
    (await app.fetch('/api/documents', { headers: { origin } })).headers.get('access-control-allow-origin')
  expect(await allowed(ORIGIN)).toBe(ORIGIN)
  expect(await allowed('https://other.example')).toBe('https://other.example')
  expect(await allowed('https://evil.example')).toBeNull()
  expect((await app.fetch('/api/documents')).headers.get('vary')).toMatch(/Origin/i)
})

test('pages are for no other site', async () => {
  await using app = await startApp()
  const response = await app.fetch('/', { as: null, headers: { origin: ORIGIN } })
  expect(response.headers.get('access-control-allow-origin')).toBeNull()
})
