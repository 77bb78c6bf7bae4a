import { afterAll, expect, test } from 'vitest'
import { ask, embedTokenOf, pageTokenOf } from './asked.ts'
import { configIn, guestTokenOf } from './guest.ts'
import { bearerWith, openedDocx, startPair } from './support.ts'

const pair = await startPair()
afterAll(() => pair[Symbol.asyncDispose]())
const { app } = pair

const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const LINK = { action: { type: 'bookmark', data: 'Chapter 2 – Ünï' } }

async function viewer(id: string, query: string) {
  const response = await app.fetch(`/api/onlyoffice/viewer/${id}${query}`, {
    headers: { accept: 'text/html' },
  })
  return { status: response.status, config: configIn(await response.text()) }
}

test('the address of a bookmark opens the document there, as the signed config says', async () => {
  const { id } = await openedDocx(app)
  const { status, answer } = await ask(app, id, 'action-link', LINK)
  expect(status).toBe(200)
  const url = new URL(answer.url)
  expect(url.href.startsWith(`${url.origin}/api/onlyoffice/viewer/${id}?action=`)).toBe(true)

  const { config } = await viewer(id, url.search)

  expect(config.editorConfig.actionLink).toEqual(LINK)
  const signed = JSON.parse(Buffer.from(config.token.split('.')[1], 'base64url').toString())
  expect(signed.editorConfig.actionLink).toEqual(LINK)
  expect((await app.config(id, url.search)).editorConfig).toMatchObject({ actionLink: LINK })
})

test('a page that is refreshed does not jump again', async () => {
  const { id } = await openedDocx(app)
  const response = await app.fetch(`/api/onlyoffice/viewer/${id}?action=${encoded(LINK)}`)
  const pageToken = /"pageToken":"([^"]+)"/.exec(await response.text())?.[1]
  const refreshed = await app.fetch(`/api/onlyoffice/documents/${id}/refresh?t=${pageToken}`, { as: null })
  const { config } = (await refreshed.json()) as { config: { editorConfig: object } }
  expect(refreshed.status).toBe(200)
  expect(config.editorConfig).not.toHaveProperty('actionLink')
})

test.each([
  '%%%',
  encoded('top'),
  encoded([LINK]),
  encoded({}),
  encoded({ action: 'bookmark' }),
  encoded({ action: { data: 'x' } }),
  Buffer.from('{"action"').toString('base64url'),
  encoded({ action: { type: 'bookmark', data: 'x'.repeat(4096) } }),
  'x'.repeat(6000),
])('an action that is none is refused %#', async (action) => {
  const { id } = await openedDocx(app)
  expect((await viewer(id, `?action=${encodeURIComponent(action)}`)).status).toBe(400)
})

test.each([
  {},
  { action: null },
  { action: { type: '' } },
  { action: { type: 'bookmark', data: 'x'.repeat(4096) } },
])('no address is made for what names no place %#', async (body) => {
  const { id } = await openedDocx(app)
  const { status, answer } = await ask(app, id, 'action-link', body)
  expect([status, answer.error]).toEqual([400, 'VALIDATION_FAILED'])
})

test('a star is each user’s own and is there at the next opening', async () => {
  const { id } = await openedDocx(app)
  const starOf = async (user: string) =>
    (await app.config(id, `?userId=${user}`)).document as { info?: { favorite?: boolean } }
  const pageOf = async (user: string) => {
    const html = await (await app.fetch(`/api/onlyoffice/viewer/${id}?userId=${user}`)).text()
    return /"pageToken":"([^"]+)"/.exec(html)?.[1] ?? ''
  }
  expect((await starOf('ann')).info).toMatchObject({ favorite: false })

  const as = await pageOf('ann')
  for (let twice = 0; twice < 2; twice += 1) {
    expect((await ask(app, id, 'favorite', { favorite: true }, { as })).answer).toEqual({ favorite: true })
  }

  expect((await starOf('ann')).info).toMatchObject({ favorite: true })
  expect((await starOf('bob')).info).toMatchObject({ favorite: false })
  expect((await ask(app, id, 'favorite', { favorite: false }, { as })).answer).toEqual({ favorite: false })
  expect((await starOf('ann')).info).toMatchObject({ favorite: false })
})

test('guests have no star', async () => {
  const { id } = await openedDocx(app)
  const as = await guestTokenOf(app, id)
  const { status, answer } = await ask(app, id, 'favorite', { favorite: true }, { as })
  expect([status, answer.error]).toEqual([403, 'GRANT_MISSING'])
  const refreshed = await app.fetch(`/api/onlyoffice/documents/${id}/refresh?t=${as}`, { as: null })
  const { config } = (await refreshed.json()) as { config: { document: { info: object } } }
  expect(config.document.info).not.toHaveProperty('favorite')
})

test.each([{}, { favorite: 'true' }, { favorite: 1 }, { favorite: null }])(
  'a star that is neither on nor off is refused %#',
  async (body) => {
    const { id } = await openedDocx(app)
    expect((await ask(app, id, 'favorite', body)).status).toBe(400)
  },
)

test("another document's token, or none, marks nothing", async () => {
  const { id } = await openedDocx(app)
  const other = await openedDocx(app, 'other.docx')
  const stranger = await bearerWith(app, ['documents:read'], { elsewhere: true })
  for (const [as, expected] of [
    [await pageTokenOf(app, other.id), 401],
    [await embedTokenOf(app, other.id), 401],
    ['nonsense', 401],
    [null, 401],
    [stranger, 404],
  ] as const) {
    expect((await ask(app, id, 'favorite', { favorite: true }, { as })).status).toBe(expected)
    expect((await ask(app, id, 'action-link', LINK, { as })).status).toBe(expected)
  }
  expect(await app.deps.database.selectFrom('favorites').select('document_id').execute()).toEqual([])
})

test('an editor whose document may be edited may open it again for editing, another may not', async () => {
  const { id } = await openedDocx(app)
  const { answer } = await ask(app, id, 'edit-rights', {})
  expect(answer).toEqual({ granted: true, mode: 'edit' })
  const commenting = { as: await guestTokenOf(app, id, ['view', 'comment']) }
  expect((await ask(app, id, 'edit-rights', {}, commenting)).answer).toEqual({
    granted: true,
    mode: 'comment',
  })
  const reading = { as: await guestTokenOf(app, id, ['view']) }
  const refused = await ask(app, id, 'edit-rights', {}, reading)
  expect([refused.status, refused.answer.error]).toEqual([403, 'GRANT_MISSING'])
  const reader = { as: await bearerWith(app, ['documents:read']) }
  expect((await ask(app, id, 'edit-rights', {}, reader)).status).toBe(403)
})

test('who closes the page is not there any more', async () => {
  const { id } = await openedDocx(app)
  const post = (path: string, body: object) =>
    app.fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  await post('/api/collaboration/join', { documentId: id, userId: 'ann', userName: 'Ann' })
  await post('/api/collaboration/join', { documentId: id, userId: 'bob', userName: 'Bob' })
  const html = await (await app.fetch(`/api/onlyoffice/viewer/${id}?userId=ann`)).text()
  const as = /"pageToken":"([^"]+)"/.exec(html)?.[1] ?? ''

  expect((await ask(app, id, 'close', {}, { as })).status).toBe(204)
  expect((await ask(app, id, 'close', {}, { as })).status).toBe(204)

  const there = (await (await app.fetch(`/api/collaboration/${id}`)).json()) as { activeUsers: object[] }
  expect(there.activeUsers).toMatchObject([{ userId: 'bob' }])
})
