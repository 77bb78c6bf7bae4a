import { afterAll, expect, test } from 'vitest'
import { bearerWith } from '../docserver/support.ts'
import { ADMIN_TOKEN, startApp } from '../support/app.ts'

const app = await startApp()
afterAll(() => app[Symbol.asyncDispose]())

type User = { id: string; name: string; email: string | null; image: string | null; groups: string[] }
type List = { users: User[]; totalCount: number }

async function send<T>(method: string, path: string, body?: unknown, as = app.token) {
  const response = await app.fetch(path, {
    method,
    as,
    headers: { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return { status: response.status, json: (response.status === 204 ? undefined : await response.json()) as T }
}
const newWorkspace = () => bearerWith(app, ['documents:read', 'documents:write'], { elsewhere: true })
const names = async (query: string, as: string) =>
  (await send<List>('GET', `/api/users?${query}`, undefined, as)).json.users.map(({ name }) => name)

test('a person is made known, told of anew and forgotten', async () => {
  const as = await newWorkspace()
  const ann = {
    name: 'Ann',
    email: 'ann@example.com',
    image: 'https://example.com/a.png',
    groups: ['Editors', 'Legal'],
  }
  const { status, json } = await send<User>('PUT', '/api/users/crm%3A7%2Fann', ann, as)
  expect([status, json]).toEqual([200, { id: 'crm:7/ann', ...ann, updatedAt: expect.any(String) }])

  const again = await send<User>('PUT', '/api/users/crm%3A7%2Fann', { name: 'Ann Smith' }, as)
  expect(again.json).toMatchObject({ name: 'Ann Smith', email: null, image: null, groups: [] })
  expect((await send<List>('GET', '/api/users', undefined, as)).json).toMatchObject({
    users: [{ name: 'Ann Smith' }],
    totalCount: 1,
  })

  expect((await send('DELETE', '/api/users/crm%3A7%2Fann', undefined, as)).status).toBe(204)
  const gone = await send<{ code: string }>('DELETE', '/api/users/crm%3A7%2Fann', undefined, as)
  expect([gone.status, gone.json.code]).toEqual([404, 'person-not-found'])
})

test('people are found by a part of name or address without regard to case and accents, in pages', async () => {
  const as = await newWorkspace()
  for (const [id, name, email] of [
    ['1', 'Zoë Ångström', 'z@example.com'],
    ['2', 'angela', 'a_b@example.com'],
    ['3', 'Bob', 'bob@ANGEL.example'],
    ['4', 'Ćyd 100%', undefined],
  ]) {
    await send('PUT', `/api/users/${id}`, { name, email }, as)
  }
  expect(await names('', as)).toEqual(['angela', 'Bob', 'Ćyd 100%', 'Zoë Ångström'])
  expect(await names('search=ANG', as)).toEqual(['angela', 'Bob', 'Zoë Ångström'])
  expect(await names('search=cyd', as)).toEqual(['Ćyd 100%'])
  expect(await names('search=100%25', as)).toEqual(['Ćyd 100%'])
  expect(await names('search=_b', as)).toEqual(['angela'])
  expect(await names('search=%25', as)).toEqual(['Ćyd 100%'])
  expect(await names('search=%5C', as)).toEqual([])
  const { json } = await send<List>('GET', '/api/users?skip=1&take=2', undefined, as)
  expect(json).toMatchObject({
    users: [{ name: 'Bob' }, { name: 'Ćyd 100%' }],
    totalCount: 4,
    skip: 1,
    take: 2,
  })
})

test('each workspace has its own people; the administrator names one', async () => {
  const [as, other] = [await newWorkspace(), await newWorkspace()]
  const { name } = (await send<User>('PUT', '/api/users/ann', { name: 'Mine' }, as)).json
  await send('PUT', '/api/users/ann', { name: 'Theirs' }, other)
  expect(name).toBe('Mine')
  expect(await names('', as)).toEqual(['Mine'])
  const { json: me } = await send<{ clientId: string }>('GET', '/api/auth/me', undefined, other)
  const { workspace_id: theirs } = await app.deps.database
    .selectFrom('api_keys')
    .select('workspace_id')
    .where('id', '=', me.clientId)
    .executeTakeFirstOrThrow()

  for (const workspaceId of [theirs, crypto.randomUUID()]) {
    const foreign = await send<{ code: string }>(
      'GET',
      `/api/users?workspaceId=${workspaceId}`,
      undefined,
      as,
    )
    expect([foreign.status, foreign.json.code]).toEqual([404, 'workspace-not-found'])
    const refused = await send('PUT', `/api/users/ann?workspaceId=${workspaceId}`, { name: 'Eve' }, as)
    expect(refused.status).toBe(404)
  }
  expect((await send('DELETE', `/api/users/ann?workspaceId=${theirs}`, undefined, as)).status).toBe(404)
  expect(await names(`workspaceId=${theirs}`, ADMIN_TOKEN)).toEqual(['Theirs'])
  await send('PUT', '/api/users/root', { name: 'Of the web pages' }, ADMIN_TOKEN)
  expect(await names('', ADMIN_TOKEN)).toEqual(['Of the web pages'])
})

test.each<[string, object]>([
  ['ann', {}],
  ['ann', { name: '' }],
  ['ann', { name: 1 }],
  ['ann', { name: 'x'.repeat(101) }],
  ['ann', { name: 'a\u0000b' }],
  ['ann', { name: '\ud800' }],
  ['ann', { name: 'Ann', email: 'nobody' }],
  ['ann', { name: 'Ann', email: `${'x'.repeat(250)}@example.com` }],
  ['ann', { name: 'Ann', image: 'http://example.com/a.png' }],
  ['ann', { name: 'Ann', image: 'data:image/png;base64,xx' }],
  ['ann', { name: 'Ann', image: `https://example.com/${'x'.repeat(2000)}` }],
  ['ann', { name: 'Ann', groups: 'Editors' }],
  ['ann', { name: 'Ann', groups: [''] }],
  ['ann', { name: 'Ann', groups: Array.from({ length: 51 }, () => 'x') }],
  ['x'.repeat(129), { name: 'Ann' }],
  ['a%00b', { name: 'Ann' }],
])('a person who cannot be is refused %#', async (id, body) => {
  const { status, json } = await send<{ code: string }>('PUT', `/api/users/${id}`, body)
  expect([status, json.code]).toEqual([400, 'validation-failed'])
  expect((await send<List>('GET', '/api/users')).json.totalCount).toBe(0)
})

test('a client that may only read makes nobody known and forgets nobody', async () => {
  const reader = await bearerWith(app, ['documents:read'])
  expect((await send('PUT', '/api/users/ann', { name: 'Ann' }, reader)).status).toBe(403)
  expect((await send('DELETE', '/api/users/ann', undefined, reader)).status).toBe(403)
  expect((await send('GET', '/api/users', undefined, reader)).status).toBe(200)
  const joiner = await bearerWith(app, ['collaboration:join'])
  expect((await send('GET', '/api/users', undefined, joiner)).status).toBe(403)
})
