import { expect, test } from 'vitest'
import { withdrawEnded } from '../../src/core/sharing/withdraw.ts'
import { type Both, startBoth, until } from '../support/both.ts'
import { testClock } from '../support/clock.ts'
import { docxParagraphs } from '../support/files.ts'
import { bearerWith } from './support.ts'

type Link = { id: string; url: string; grants: string[]; expiresAt: string | null }

async function link({ app, id }: Both, wanted: object, as = app.token) {
  const response = await app.fetch(`/api/documents/${id}/links`, {
    method: 'POST',
    as,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ grants: ['view', 'edit', 'comment'], ...wanted }),
  })
  return { status: response.status, link: (await response.json()) as Link }
}

/** As a browser opens it, on the address that the test's service has. */
async function open({ app }: Both, { url }: Pick<Link, 'url'>, init: RequestInit = {}) {
  const { pathname } = new URL(url)
  const response = await fetch(`${app.url}${pathname}`, { redirect: 'manual', ...init })
  const html = await response.text()
  const data = /<script type="application\/json"[^>]*>(.*?)<\/script>/s.exec(html)?.[1]
  return {
    status: response.status,
    html,
    cookie: response.headers.get('set-cookie')?.split(';')[0] ?? '',
    setCookie: response.headers.get('set-cookie') ?? '',
    page: data === undefined ? undefined : JSON.parse(data),
  }
}

const named = (name: string): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/x-www-form-urlencoded' },
  body: new URLSearchParams({ name }),
})

test('a link opens the document for whom it names, with its grants', async () => {
  await using both = await startBoth()
  const { link: made } = await link(both, {
    grants: ['view', 'comment', 'print'],
    user: { id: 'eve', name: 'Eve', group: 'Editors' },
    options: { watermark: '{user} {date}', groups: { review: ['Editors', ''], comment: { remove: [''] } } },
  })

  const { page } = await open(both, made)

  expect(page.config.editorConfig.user).toEqual({ id: 'eve', name: 'Eve', group: 'Editors' })
  expect(page.config.document.permissions).toMatchObject({
    edit: false,
    comment: true,
    print: true,
    download: false,
    copy: false,
    chat: false,
    reviewGroups: ['Editors', ''],
    commentGroups: { remove: [''] },
  })
  const [paragraph] = page.config.document.options.watermark_on_draw.paragraphs
  expect(paragraph.runs[0].text).toMatch(/^Eve \d{4}-\d\d-\d\d$/)
  expect(page.grants.toSorted()).toEqual(['comment', 'print', 'view'])
})

test('a guest chooses a name, and keeps an id of their own in their browser', async () => {
  await using both = await startBoth()
  const { link: made } = await link(both, {})

  expect((await open(both, made)).html).toContain('Your name')
  expect((await open(both, made, named('   '))).status).toBe(400)
  const first = await open(both, made, named('Guest <One>'))
  expect(first.status).toBe(303)
  expect(first.setCookie).toMatch(/HttpOnly/i)
  expect(first.setCookie).toMatch(/SameSite=Lax/i)
  const second = await open(both, made, named('Two'))

  const one = (await open(both, made, { headers: { cookie: first.cookie } })).page.config.editorConfig
  const two = (await open(both, made, { headers: { cookie: second.cookie } })).page.config.editorConfig
  expect(one.user).toMatchObject({ id: expect.stringMatching(/^guest-.{16}$/), name: 'Guest <One>' })
  expect(one.customization.anonymous).toEqual({ request: false })
  expect(two.user.id).not.toBe(one.user.id)
  const renamed = await open(both, made, {
    ...named('Newly named'),
    headers: { 'content-type': 'application/x-www-form-urlencoded', cookie: first.cookie },
  })
  const again = (await open(both, made, { headers: { cookie: renamed.cookie } })).page.config.editorConfig
  expect(again.user).toEqual({ id: one.user.id, name: 'Newly named' })
  const forged = 'docs_guest=eyJhbGciOiJub25lIn0.eyJpZCI6ImFubiIsIm5hbWUiOiJBbm4ifQ.'
  expect((await open(both, made, { headers: { cookie: forged } })).html).toContain('Your name')
})

test('who is asked for a name reads which document it is for, as long as the link works', async () => {
  await using both = await startBoth()
  await both.app.fetch(`/api/documents/${both.id}`, {
    method: 'PATCH',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ title: 'Plan <b> \u202efdp' }),
  })
  const { link: made } = await link(both, {})
  const shown = 'Plan &lt;b&gt; fdp.docx</h1>'
  expect((await open(both, made)).html).toContain(shown)
  expect((await open(both, made, named('   '))).html).toContain(shown)

  const forged = `${made.url.slice(0, -4)}AAAA`
  const refused = await open(both, { url: forged })
  expect([refused.status, refused.html.includes('Plan')]).toEqual([401, false])
  await both.app.fetch(`/api/documents/${both.id}`, { method: 'DELETE' })
  const trashed = await open(both, made)
  expect([trashed.status, trashed.html.includes('Plan')]).toEqual([404, false])
  await both.app.fetch(`/api/documents/${both.id}/undelete`, { method: 'POST' })
  expect((await open(both, made)).html).toContain(shown)
  await both.app.fetch(`/api/documents/${both.id}/links/${made.id}`, { method: 'DELETE' })
  const revoked = await open(both, made)
  expect([revoked.status, revoked.html.includes('Plan')]).toEqual([401, false])
})

test('a link is never wider than its maker, and is its makers’ business alone', async () => {
  await using both = await startBoth()
  const reader = await bearerWith(both.app, ['documents:read'])
  expect((await link(both, {}, reader)).status).toBe(403)
  const foreign = await bearerWith(both.app, ['documents:read', 'documents:write'], { elsewhere: true })
  expect((await link(both, {}, foreign)).status).toBe(404)
  const { link: made } = await link(both, {})
  const remove = (as: string) =>
    both.app.fetch(`/api/documents/${both.id}/links/${made.id}`, { method: 'DELETE', as })
  expect((await remove(foreign)).status).toBe(404)
  expect((await remove(both.app.token)).status).toBe(204)
  expect((await remove(both.app.token)).status).toBe(404)
  expect((await open(both, made)).status).toBe(401)
  const list = await (await both.app.fetch(`/api/documents/${both.id}/links`)).json()
  expect(list).toMatchObject({ links: [{ id: made.id, revokedAt: expect.any(String) }] })
})

test('a link ends at its time', async () => {
  const clock = testClock()
  await using both = await startBoth({ clock: clock.now })
  const { link: made } = await link(both, {
    user: { id: 'eve', name: 'Eve' },
    expiresAt: '2026-11-21T09:00:00Z',
  })
  expect((await open(both, made)).status).toBe(200)
  clock.pass(3600)
  expect((await open(both, made)).status).toBe(401)
})

test('ending a link drops whom it let in, after a save of what they typed', async () => {
  await using both = await startBoth()
  const { app, docServer, id, key } = both
  const { link: made } = await link(both, { user: { id: 'eve', name: 'Eve' } })
  const { page } = await open(both, made)
  const eve = await docServer.open(page.config)
  const ann = await both.open('ann')
  eve.type(0, 'typed by Eve')
  await until(async () => (await app.deps.database.selectFrom('admissions').selectAll().execute()).length > 1)
  expect(await withdrawEnded(app.deps)).toBe(0)

  await app.fetch(`/api/documents/${id}/links/${made.id}`, { method: 'DELETE' })
  expect(await withdrawEnded(app.deps)).toBe(1)

  expect(docxParagraphs(await app.download(id))).toEqual(['typed by Eve', 'Two'])
  expect(await app.deps.docServer?.info(key)).toMatchObject({ users: ['ann'] })
  expect(await withdrawEnded(app.deps)).toBe(0)
  ann.type(1, 'goes on')
})

test('somebody who was let in by something else as well stays', async () => {
  await using both = await startBoth()
  const { app, docServer, key } = both
  const { link: made } = await link(both, { user: { id: 'ann', name: 'ann' } })
  const { page } = await open(both, made)
  await docServer.open(page.config)
  await both.open('ann')
  await until(async () => (await app.deps.database.selectFrom('admissions').selectAll().execute()).length > 1)

  await app.fetch(`/api/documents/${both.id}/links/${made.id}`, { method: 'DELETE' })

  expect(await withdrawEnded(app.deps)).toBe(0)
  expect(await app.deps.docServer?.info(key)).toMatchObject({ users: expect.arrayContaining(['ann']) })
})

test('who was dropped is dropped again when they come back with a config that they kept', async () => {
  await using both = await startBoth()
  const { app, docServer, id, key } = both
  const { link: made } = await link(both, { user: { id: 'eve', name: 'Eve' } })
  const { page } = await open(both, made)
  await docServer.open(page.config)
  await both.open('ann')
  await until(async () => (await app.deps.database.selectFrom('admissions').selectAll().execute()).length > 1)
  await app.fetch(`/api/documents/${id}/links/${made.id}`, { method: 'DELETE' })
  expect(await withdrawEnded(app.deps)).toBe(1)

  await docServer.open(page.config)
  expect(await app.deps.docServer?.info(key)).toMatchObject({ users: expect.arrayContaining(['eve']) })

  expect(await withdrawEnded(app.deps)).toBe(1)
  expect(await app.deps.docServer?.info(key)).toMatchObject({ users: ['ann'] })
})

test('a right to look on keeps nobody editing', async () => {
  await using both = await startBoth()
  const { app, docServer, id } = both
  const eve = { id: 'eve', name: 'Eve' }
  const looking = await link(both, { grants: ['view'], user: eve })
  const editing = await link(both, { user: eve })
  await docServer.open((await open(both, looking.link)).page.config)
  await docServer.open((await open(both, editing.link)).page.config)
  await until(async () => (await app.deps.database.selectFrom('admissions').selectAll().execute()).length > 1)

  await app.fetch(`/api/documents/${id}/links/${editing.link.id}`, { method: 'DELETE' })

  expect(await withdrawEnded(app.deps)).toBe(1)
})

test('what was in a document before is not for those who may only look on', async () => {
  await using both = await startBoth()
  const { link: made } = await link(both, { grants: ['view'], user: { id: 'eve', name: 'Eve' } })
  const { page } = await open(both, made)
  for (const path of ['history', 'history/1']) {
    const response = await fetch(`${both.app.url}/api/onlyoffice/documents/${both.id}/${path}`, {
      headers: { authorization: `Bearer ${page.pageToken}` },
    })
    expect(response.status).toBe(403)
  }
})
