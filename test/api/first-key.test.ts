import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadConfig } from '../../src/config.ts'
import { startService } from '../../src/server.ts'
import { checkedFetch } from '../support/openapi.ts'

/** The very first request of an installation, as it would come from somewhere. */
async function firstKey(headers: Record<string, string>, env: Record<string, string> = {}): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'docs-connector-'))
  const config = loadConfig({ PORT: '0', DATA_DIR: folder, LOG_LEVEL: 'silent', ...env })
  await using service = await startService(config, { background: false })
  const response = await checkedFetch(new URL('/api/auth/api-keys', service.url), {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ name: 'x', permissions: ['documents:read'] }),
  })
  await rm(folder, { recursive: true, force: true })
  return response.status
}

test('a web site cannot make its visitor’s browser mint the first key', async () => {
  expect(await firstKey({})).toBe(201)
  expect(await firstKey({ origin: 'https://evil.example' })).toBe(401)
  expect(await firstKey({ 'sec-fetch-site': 'cross-site' })).toBe(401)
})

test('a service that is published under a name gives its first key to the administrator only', async () => {
  expect(await firstKey({}, { PUBLIC_URL: 'https://docs.example.com' })).toBe(401)
})
