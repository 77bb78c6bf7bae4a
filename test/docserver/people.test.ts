import { afterAll, beforeAll, expect, test } from 'vitest'
import { got, listening } from '../webhooks/listening.ts'
import { ask, embedTokenOf, pageTokenOf } from './asked.ts'
import { guestTokenOf, putPeople } from './guest.ts'
import { bearerWith } from './support.ts'

const on = await listening(['document.mentioned'])
afterAll(() => on[Symbol.asyncDispose]())
const { both, receiver } = on
const { app, id } = both

beforeAll(() =>
  putPeople(app, {
    ann: { name: 'Änn Smith', email: 'Ann@example.com', image: 'https://example.com/ann.png' },
    bob: { name: 'Bob Smith', email: 'bob@example.com' },
    cyd: { name: 'Cyd', email: 'cyd.smith@example.com' },
    dan: { name: 'Dan' },
  }),
)

const idsOf = ({ answer }: Awaited<ReturnType<typeof ask>>) =>
  answer.users.map((user: { id: string }) => user.id)

test('a comment may mention the people who have an address, found by a part of name or address', async () => {
  const { answer } = await ask(app, id, 'users?c=mention&search=SMITH')
  expect(answer).toEqual({
    c: 'mention',
    users: [
      { id: 'ann', name: 'Änn Smith', email: 'Ann@example.com', image: 'https://example.com/ann.png' },
      { id: 'bob', name: 'Bob Smith', email: 'bob@example.com' },
      { id: 'cyd', name: 'Cyd', email: 'cyd.smith@example.com' },
    ],
  })
  expect(idsOf(await ask(app, id, `users?c=mention&search=${encodeURIComponent('anN')}`))).toEqual(['ann'])
  expect(idsOf(await ask(app, id, 'users?c=mention&search=%25'))).toEqual([])
  expect(idsOf(await ask(app, id, 'users?c=mention'))).not.toContain('dan')
})

test('people come in parts when the editor asks for parts', async () => {
  const { answer } = await ask(app, id, 'users?c=protect&from=1&count=2')
  expect(answer).toMatchObject({ total: 4, isPaginated: true, users: [{ id: 'bob' }, { id: 'cyd' }] })
  expect(idsOf(await ask(app, id, 'users?c=protect&from=4&count=2'))).toEqual([])
})

test('pictures and names are given for ids, or for those who are in the document', async () => {
  const { answer } = await ask(app, id, 'users?c=info&id=bob,nobody,ann,bob')
  expect(answer.users.map((user: { id: string }) => user.id)).toEqual(['bob', 'ann'])
  expect(idsOf(await ask(app, id, 'users?c=info&id=dan&id=cyd'))).toEqual(['dan', 'cyd'])
  const editor = await both.open('ann')
  expect(idsOf(await ask(app, id, 'users?c=info'))).toEqual(['ann'])
  await editor.close()
})

test('who came from outside learns only of those who are in the document', async () => {
  const editor = await both.open('bob')
  for (const as of [await guestTokenOf(app, id), await embedTokenOf(app, id)]) {
    const { status, answer } = await ask(app, id, 'users?c=info&id=ann,bob', undefined, { as })
    expect([status, answer.users]).toEqual([200, [{ id: 'bob', name: expect.any(String) }]])
    for (const c of ['mention', 'protect']) {
      const refused = await ask(app, id, `users?c=${c}`, undefined, { as })
      expect([refused.status, refused.answer.error]).toEqual([403, 'GRANT_MISSING'])
    }
    const notified = await ask(app, id, 'notify', { message: 'Hi', emails: ['bob@example.com'] }, { as })
    expect([notified.status, notified.answer.error]).toEqual([403, 'GRANT_MISSING'])
    expect((await ask(app, id, 'sharing', undefined, { as })).status).toBe(403)
  }
  await editor.close()
})

test('somebody who may only read mentions nobody and protects nothing', async () => {
  const as = await bearerWith(app, ['documents:read'])
  for (const path of ['users?c=mention', 'users?c=protect', 'sharing']) {
    expect((await ask(app, id, path, undefined, { as })).status).toBe(403)
  }
  expect((await ask(app, id, 'notify', { emails: ['bob@example.com'] }, { as })).status).toBe(403)
  expect(idsOf(await ask(app, id, 'users?c=info&id=bob', undefined, { as }))).toEqual(['bob'])
})

test.each([
  'users',
  'users?c=all',
  'users?c=info&from=-1',
  'users?c=mention&count=0',
  'users?c=mention&count=1001',
  `users?c=mention&search=${'x'.repeat(201)}`,
  `users?c=info&id=${'x'.repeat(129)}`,
  `users?c=info&id=${'x,'.repeat(101)}`,
])('a question that is none is refused %#', async (path) => {
  expect((await ask(app, id, path)).status).toBe(400)
})

test('a mention is recorded, and webhooks are told whom, what and where', async () => {
  const actionLink = { action: { type: 'comment', data: 'c-1' } }
  const as = await pageTokenOf(app, id)
  const body = { actionLink, message: 'Look, +bob@example.com', emails: ['BOB@example.com'], ids: ['dan'] }
  const { status, answer } = await ask(app, id, 'notify', body, { as })
  expect([status, answer]).toEqual([200, { mentioned: ['bob', 'dan'] }])

  const [event] = await got(both, receiver)
  expect(event).toMatchObject({
    type: 'document.mentioned',
    action: 'mentioned',
    documentId: id,
    message: 'Look, +bob@example.com',
    people: [
      { id: 'bob', name: 'Bob Smith', email: 'bob@example.com' },
      { id: 'dan', name: 'Dan', email: null },
    ],
  })
  const url = new URL(String(event?.url))
  expect(url.pathname).toBe(`/api/onlyoffice/viewer/${id}`)
  const action = Buffer.from(url.searchParams.get('action') ?? '', 'base64url').toString()
  expect(JSON.parse(action)).toEqual(actionLink)
})

test('of a long comment webhooks get the beginning', async () => {
  const mentions = async () => (await got(both, receiver)).filter(({ type }) => type === 'document.mentioned')
  const before = (await mentions()).length
  await ask(app, id, 'notify', { message: 'ä"\u0001'.repeat(5000), ids: ['bob'] })
  const events = await mentions()
  expect(events).toHaveLength(before + 1)
  const long = events.map(({ message }) => String(message)).find((message) => message.startsWith('ä"'))
  expect(Buffer.byteLength(JSON.stringify(long))).toBeGreaterThan(4000)
  expect(Buffer.byteLength(JSON.stringify(long))).toBeLessThanOrEqual(4098)
  expect(long?.endsWith('…')).toBe(true)
})

test('a mention of somebody outside the workspace is refused and nothing is recorded', async () => {
  const foreign = await bearerWith(app, ['documents:read', 'documents:write'], { elsewhere: true })
  await app.fetch('/api/users/eve', {
    method: 'PUT',
    as: foreign,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'Eve', email: 'eve@example.com' }),
  })
  const recorded = () => app.deps.database.selectFrom('activity').select('id').execute()
  const before = (await recorded()).length
  for (const body of [
    { emails: ['eve@example.com'] },
    { ids: ['eve'] },
    { emails: ['bob@example.com', 'eve@example.com'] },
  ]) {
    const { status, answer } = await ask(app, id, 'notify', { message: 'Hi', ...body })
    expect([status, answer.error]).toEqual([404, 'PERSON_NOT_FOUND'])
  }
  expect((await recorded()).length).toBe(before)
  expect((await ask(app, id, 'users?c=protect')).answer.users).toHaveLength(4)
})

test.each([
  {},
  { emails: [], ids: [] },
  { emails: 'bob@example.com' },
  { emails: [1] },
  { emails: Array.from({ length: 21 }, () => 'bob@example.com') },
  { ids: ['x'.repeat(129)] },
  { ids: ['bob'], message: 'x'.repeat(32_769) },
  { ids: ['bob'], message: 7 },
  { ids: ['bob'], actionLink: 'top' },
  { ids: ['bob'], actionLink: { action: { type: 'bookmark', data: 'x'.repeat(4096) } } },
])('a notification that is none is refused %#', async (body) => {
  const { status, answer } = await ask(app, id, 'notify', body)
  expect([status, answer.error]).toEqual([400, 'VALIDATION_FAILED'])
})

test("another document's page is refused", async () => {
  const as = await pageTokenOf(app, await app.upload('other.txt', Buffer.from('other')))
  expect((await ask(app, id, 'users?c=info&id=ann', undefined, { as })).status).toBe(401)
  expect((await ask(app, id, 'notify', { ids: ['bob'] }, { as })).status).toBe(401)
  expect((await ask(app, id, 'sharing', undefined, { as: null })).status).toBe(401)
})

test('who reaches the document is listed: the clients of its workspace and its links', async () => {
  await bearerWith(app, ['documents:read'])
  await bearerWith(app, ['documents:read'], { elsewhere: true })
  const other = await app.upload('shared.txt', Buffer.from('x'))
  const link = (body: object) =>
    app.fetch(`/api/documents/${other}/links`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  await link({ grants: ['view', 'comment'], user: { id: 'eve', name: 'Eve' } })
  const { id: ended } = (await (await link({ grants: ['view', 'edit'] })).json()) as { id: string }
  await link({ grants: ['view'] })
  await app.fetch(`/api/documents/${other}/links/${ended}`, { method: 'DELETE' })

  const { answer } = await ask(app, other, 'sharing')

  const { sharingSettings } = answer
  expect(sharingSettings[0]).toEqual({ user: 'Tests', permissions: 'Full Access' })
  const clients = sharingSettings.filter(({ isLink }: { isLink?: true }) => !isLink)
  expect(clients.length).toBeGreaterThan(1)
  for (const client of clients.slice(1)) expect(client).toEqual({ user: 'Some', permissions: 'Read Only' })
  expect(sharingSettings.slice(clients.length)).toEqual([
    { user: 'Guests', permissions: 'Read Only', isLink: true },
    { user: 'Eve', permissions: 'Comment', isLink: true },
  ])
})

test('people whom a client opens documents for become known, guests do not', async () => {
  const known = async () => {
    // What is recorded beside an answer comes before this.
    await app.deps.commits.run(async () => {})
    return (await ask(app, id, 'users?c=protect')).answer.users
  }
  await app.config(id, '?userId=gus&userName=Gus')
  await app.config(id, '?userId=hal')
  await app.config(await app.upload('new.txt', Buffer.from('x')), '?userId=bob&userName=Robert')
  await app.config(id, '?userName=Nobody')
  await guestTokenOf(app, id)
  expect(await known()).toEqual([
    expect.objectContaining({ id: 'ann', email: 'Ann@example.com' }),
    expect.objectContaining({ id: 'cyd' }),
    { id: 'dan', name: 'Dan' },
    { id: 'gus', name: 'Gus' },
    { id: 'hal', name: 'hal' },
    { id: 'bob', name: 'Robert', email: 'bob@example.com' },
  ])
  await putPeople(app, { hal: { name: 'Hal' } })
  await app.config(await app.upload('again.txt', Buffer.from('x')), '?userId=hal')
  expect(await known()).toContainEqual({ id: 'hal', name: 'Hal' })
})
