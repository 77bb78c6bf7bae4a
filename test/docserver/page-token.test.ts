import { expect, test } from 'vitest'
import { ADMIN_TOKEN } from '../support/app.ts'
import { startBoth } from '../support/both.ts'

test('the page of a client whose key was revoked gets no config and no events any more', async () => {
  await using both = await startBoth()
  const { app, id } = both
  const html = await (
    await app.fetch(`/api/onlyoffice/viewer/${id}`, { headers: { accept: 'text/html' } })
  ).text()
  const token = /"pageToken":"([^"]+)"/.exec(html)?.[1] ?? ''
  const address = (what: string) => `/api/onlyoffice/documents/${id}/${what}?t=${token}`
  expect((await app.fetch(address('refresh'), { as: null })).status).toBe(200)

  const [key] = (
    (await (await app.fetch('/api/auth/api-keys', { as: ADMIN_TOKEN })).json()) as {
      apiKeys: { id: string }[]
    }
  ).apiKeys
  await app.fetch(`/api/auth/api-keys/${key?.id}`, { method: 'DELETE', as: ADMIN_TOKEN })

  expect((await app.fetch(address('refresh'), { as: null })).status).toBe(401)
  expect((await app.fetch(address('events'), { as: null })).status).toBe(401)
})
