import { expect, test } from 'vitest'
import { bearerWith } from '../docserver/support.ts'
import { ADMIN_TOKEN } from '../support/app.ts'
import { type Both, startBoth } from '../support/both.ts'
import { testClock } from '../support/clock.ts'

async function embed({ app, id }: Both, body: object, as?: string) {
  const response = await app.fetch('/api/embed', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ documentId: id, ...body }),
    ...(as === undefined ? {} : { as }),
  })
  return { status: response.status, answer: (await response.json()) as Record<string, string> }
}

/** The page as another site's iframe gets it, without any token of our own. */
async function pageOf(address: string) {
  const response = await fetch(address, { headers: { accept: 'text/html' } })
  const html = await response.text()
  const data = /<script type="application\/json"[^>]*>(.*?)<\/script>/s.exec(html)?.[1]
  return {
    status: response.status,
    headers: response.headers,
    page: data === undefined ? undefined : JSON.parse(data),
  }
}

test('an embed opens its document with what was granted, for a day, in any site’s frame', async () => {
  await using both = await startBoth()
  for (const [permissions, mode, edit] of [
    [['view'], 'view', false],
    [['view', 'comment'], 'edit', false],
    [['view', 'edit'], 'edit', true],
  ] as const) {
    const { status, answer } = await embed(both, { permissions, user: { id: 'guest-1', name: 'Guest' } })
    expect(status).toBe(200)
    expect(answer.url).toContain(`/embed/docs/${both.id}?token=`)
    expect(Date.parse(answer.expiresAt ?? '') - Date.now()).toBeGreaterThan(86_000_000)

    const { page, headers } = await pageOf(
      answer.url?.replace(/^http:\/\/localhost/, 'http://127.0.0.1') ?? '',
    )
    expect(page.config.editorConfig).toMatchObject({ mode, user: { id: 'guest-1', name: 'Guest' } })
    expect(page.config.document.permissions.edit).toBe(edit)
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'self' *")
    expect(headers.get('x-frame-options')).toBeNull()
    expect(headers.get('referrer-policy')).toBe('no-referrer')
  }
})

test('blanks around the id are trimmed, and the token opens no other document', async () => {
  await using both = await startBoth()
  const { answer } = await embed(both, { permissions: ['view'] })
  const address = (id: string) => `${both.app.url}/embed/docs/${id}?token=${answer.token}`

  expect((await pageOf(address(`${both.id}%20`))).status).toBe(200)
  expect((await pageOf(address('01a1fd34-93a4-7c3f-a6fc-8d46f7fa269d'))).status).toBe(401)
})

test('nobody grants more than they have, and nothing is granted for nothing', async () => {
  await using both = await startBoth()
  const reader = await bearerWith(both.app, ['documents:read'])
  const stranger = await bearerWith(both.app, ['documents:read'], { elsewhere: true })
  expect((await embed(both, { permissions: ['view'] }, reader)).status).toBe(200)
  expect((await embed(both, { permissions: ['edit'] }, reader)).status).toBe(403)
  expect((await embed(both, { permissions: ['comment'] }, reader)).status).toBe(403)
  expect((await embed(both, { permissions: ['view'] }, stranger)).status).toBe(404)
  expect((await embed(both, { permissions: [] })).status).toBe(400)
  expect((await embed(both, { permissions: ['own'] })).status).toBe(400)
  expect((await embed(both, { permissions: ['view'], expiresIn: 100_000 })).status).toBe(400)
})

test('an embed token opens nothing but its page, and ends with its maker’s key', async () => {
  await using both = await startBoth()
  const { app, id } = both
  const { answer } = await embed(both, { permissions: ['view', 'edit'] })
  for (const path of [
    `/api/documents/${id}`,
    '/api/documents',
    '/api/auth/validate',
    `/api/onlyoffice/config/${id}`,
  ]) {
    expect((await app.fetch(path, { as: answer.token ?? '' })).status).toBe(401)
  }
  expect((await app.fetch(`/api/onlyoffice/file/${id}?t=${answer.token}`, { as: null })).status).toBe(403)

  const keys = (await (await app.fetch('/api/auth/api-keys', { as: ADMIN_TOKEN })).json()) as {
    apiKeys: { id: string }[]
  }
  for (const key of keys.apiKeys)
    await app.fetch(`/api/auth/api-keys/${key.id}`, { method: 'DELETE', as: ADMIN_TOKEN })
  expect((await pageOf(`${app.url}/embed/docs/${id}?token=${answer.token}`)).status).toBe(401)
})

test('one embed ends before its time, and the others go on', async () => {
  await using both = await startBoth()
  const { app } = both
  const first = (await embed(both, { permissions: ['view'] })).answer
  const second = (await embed(both, { permissions: ['view'] })).answer
  const page = await pageOf(`${app.url}/embed/docs/${both.id}?token=${first.token}`)
  const refresh = () =>
    fetch(`${app.url}/api/onlyoffice/documents/${both.id}/refresh?t=${page.page.pageToken}`)
  const revoke = (token: string | undefined, as = app.token) =>
    app.fetch('/api/embed/revoke', {
      method: 'POST',
      as,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token }),
    })
  expect((await refresh()).status).toBe(200)

  const stranger = await bearerWith(app, ['documents:read'])
  expect((await revoke(first.token, stranger)).status).toBe(404)
  expect((await revoke('nonsense')).status).toBe(404)
  expect((await revoke(first.token)).status).toBe(204)
  expect((await revoke(first.token)).status).toBe(204)

  expect((await pageOf(`${app.url}/embed/docs/${both.id}?token=${first.token}`)).status).toBe(401)
  expect((await refresh()).status).toBe(401)
  expect((await pageOf(`${app.url}/embed/docs/${both.id}?token=${second.token}`)).status).toBe(200)
})

test('a key narrows the sites that may frame its embeds', async () => {
  await using both = await startBoth()
  const { app } = both
  const { answer } = await embed(both, { permissions: ['view'] })
  const keys = (await (await app.fetch('/api/auth/api-keys', { as: ADMIN_TOKEN })).json()) as {
    apiKeys: { id: string }[]
  }
  const narrow = (frameAncestors: unknown) =>
    app.fetch(`/api/auth/api-keys/${keys.apiKeys[0]?.id}`, {
      method: 'PATCH',
      as: ADMIN_TOKEN,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ frameAncestors }),
    })
  const policy = async () =>
    (await pageOf(`${app.url}/embed/docs/${both.id}?token=${answer.token}`)).headers
      .get('content-security-policy')
      ?.match(/frame-ancestors ([^;]*)/)?.[1]

  expect((await narrow(['https://*.example.com', 'https://other.example:8443'])).status).toBe(200)
  expect(await policy()).toBe("'self' https://*.example.com https://other.example:8443")
  expect((await narrow(["'none'"])).status).toBe(200)
  expect(await policy()).toBe("'none'")
  expect((await narrow(["https://a.example; script-src 'unsafe-inline'"])).status).toBe(400)
  expect((await narrow(null)).status).toBe(200)
  expect(await policy()).toBe("'self' *")
})

test('a page of an embed ends with the embed', async () => {
  const clock = testClock()
  await using both = await startBoth({ clock: clock.now })
  const { answer } = await embed(both, { permissions: ['edit'], expiresIn: 60 })
  const { page } = await pageOf(`${both.app.url}/embed/docs/${both.id}?token=${answer.token}`)
  const refresh = () =>
    fetch(`${both.app.url}/api/onlyoffice/documents/${both.id}/refresh?t=${page.pageToken}`)
  expect((await refresh()).status).toBe(200)
  clock.pass(61)
  expect((await refresh()).status).toBe(401)
})
