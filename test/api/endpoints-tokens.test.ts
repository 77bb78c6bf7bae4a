import { afterAll, describe, expect, test, vi } from 'vitest'
import { createApiKey } from '../../src/core/api-keys.ts'
import { PERMISSIONS, type Permission } from '../../src/core/callers.ts'
import { createTokens, type TokenClaims } from '../../src/core/tokens.ts'
import { bearerWith } from '../docserver/support.ts'
import { ADMIN_TOKEN, startApp } from '../support/app.ts'
import { testClock } from '../support/clock.ts'
import { goodValues, imaginaryWorld, PATHS, type Path, requestOf } from '../support/endpoint-calls.ts'

const ROOT_SECRET = 'tests-root-secret-0123456789-0123456789'
const clock = testClock()
const app = await startApp({
  env: { AUTH_RATE_LIMIT_MAX: '1000000', ROOT_SECRET, ACCESS_TOKEN_S: '600' },
  overrides: { clock: clock.now },
})
afterAll(() => app[Symbol.asyncDispose]())

const expired = await bearerWith(app, [...PERMISSIONS])
clock.pass(601)

/** A token is looked at before anything is looked for. */
const nowhere = imaginaryWorld()

type Problem = { code: string; status: number; isValid?: boolean; detail?: string }

async function send(one: Path, as: string | null, headers: Record<string, string> = {}) {
  const { path, init } = requestOf(one, goodValues(one.call, nowhere))
  const response = await app.fetch(path, { ...init, as, headers: { ...init.headers, ...headers } })
  return { status: response.status, headers: response.headers, json: (await response.json()) as Problem }
}

function demandUnauthorized(
  { status, headers, json }: Awaited<ReturnType<typeof send>>,
  code = 'token-invalid',
) {
  expect([status, json.status, json.code]).toEqual([401, 401, code])
  expect(headers.get('www-authenticate')).toBe('Bearer')
  expect(headers.get('content-type')).toMatch(/^application\/problem\+json/)
}

const tokens = createTokens(ROOT_SECRET, clock.now, ADMIN_TOKEN)

/** The token of a key of its own, which then changes. */
async function tokenOf(change: { revoked_at?: string; expires_at?: string } = {}): Promise<string> {
  const { id } = await createApiKey(app.deps, { name: 'Some', permissions: [...PERMISSIONS] })
  if (Object.keys(change).length > 0)
    await app.deps.database.updateTable('api_keys').set(change).where('id', '=', id).execute()
  return tokens.issue('access', { clientId: id }, 600)
}
const fresh = await tokenOf()
const now = clock.now().toISOString()
const NO_GOOD = [
  'garbage',
  'a.b.c',
  `${fresh}x`,
  ADMIN_TOKEN.toUpperCase(),
  await tokenOf({ revoked_at: now }),
  await tokenOf({ expires_at: now }),
  expired,
  tokens.issue('access', { clientId: nowhere.clientId }, 600),
]

const { id: clientId } = await createApiKey(app.deps, { name: 'Purposes', permissions: [...PERMISSIONS] })
const documentId = nowhere.documentId
const page: TokenClaims<'page'> = {
  documentId,
  clientId,
  grants: ['view'],
  seesWorkspace: false,
  isGuest: false,
  mode: 'edit',
  type: 'desktop',
  user: { id: 'a', name: 'A' },
}
const OF_OTHER_PURPOSES = {
  file: tokens.issue('file', { versionId: nowhere.versionId, part: 'content' }, 600),
  page: tokens.issue('page', page, 600),
  embed: tokens.issue('embed', { documentId, clientId, permissions: ['view', 'edit'] }, 600),
  administrator: tokens.issue('administrator', {}, 600),
}

/** Whose token a bearer is: a cookie is none. */
const isAboutToken = ({ path }: { path: string }) => /^\/auth\/(validate|verify|me)$/.test(path)

const GUARDED = PATHS.filter(({ call }) => call.needs !== 'nothing')

describe.each(GUARDED)('$method $path', (one) => {
  test('needs a token', async () => {
    demandUnauthorized(await send(one, null), 'token-missing')
    demandUnauthorized(await send(one, null, { authorization: 'Basic YTpi' }), 'token-missing')
    demandUnauthorized(await send(one, null, { authorization: 'Bearer' }), 'token-missing')
  })

  test.skipIf(one.method === 'GET' || isAboutToken(one))(
    'takes the administrator’s cookie only from a page of ours',
    async () => {
      const cookie = `docs_administrator=${OF_OTHER_PURPOSES.administrator}`
      for (const headers of [
        { cookie },
        { cookie, origin: app.url },
        { cookie, origin: 'https://evil.example' },
      ]) {
        const { status, json } = await send(one, null, headers)
        expect([status, json.code]).toEqual([403, 'origin-refused'])
      }
    },
  )

  test('refuses a token that is nonsense, expired, or of a key that was revoked, has ended or never was', async () => {
    for (const bad of NO_GOOD) demandUnauthorized(await send(one, bad))
  })

  test.each(Object.entries(OF_OTHER_PURPOSES))('refuses a %s token', async (_purpose, token) => {
    demandUnauthorized(await send(one, token))
  })
})

test('the tokens of other purposes are good ones, and so is the fresh one', async () => {
  expect(tokens.read('embed', OF_OTHER_PURPOSES.embed)).toBeDefined()
  expect(tokens.read('page', OF_OTHER_PURPOSES.page)).toBeDefined()
  expect((await app.fetch('/api/documents', { as: fresh })).status).toBe(200)
  expect((await app.fetch('/api/auth/me', { as: tokens.issue('access', { clientId }, 600) })).status).toBe(
    200,
  )
})

test('a bad token is told as not valid in the body, too', async () => {
  const response = await app.fetch('/api/auth/validate', { as: 'garbage' })
  expect(await response.json()).toMatchObject({ status: 401, isValid: false })
})

/** With everything but one permission; made once. */
const lacking = new Map<Permission, string>()
for (const permission of PERMISSIONS) {
  lacking.set(
    permission,
    await bearerWith(
      app,
      PERMISSIONS.filter((one) => one !== permission),
    ),
  )
}
const writer = await bearerWith(app, ['documents:write'])

const LIMITED = GUARDED.flatMap((one) => {
  const { needs } = one.call
  return needs === 'token' || needs === 'administrator' || needs === 'nothing' ? [] : [{ ...one, needs }]
})

test.each(LIMITED)('$method $path needs $needs', async ({ needs, ...one }) => {
  // Whoever may join sees who is there.
  const as = one.name === 'GET /collaboration/:documentId' ? writer : lacking.get(needs)
  const { status, json, headers } = await send(one, as ?? '')
  expect([status, json.code]).toEqual([403, 'permission-missing'])
  expect(json.detail).toContain(needs)
  expect(headers.get('content-type')).toMatch(/^application\/problem\+json/)
})

test.each(GUARDED.filter(({ call }) => call.needs === 'administrator'))(
  '$method $path is for the administrator alone',
  async (one) => {
    const { status, json } = await send(one, fresh)
    expect([status, json.code]).toEqual([403, 'administrator-only'])
  },
)

test('a key that is revoked while its token is in use ends it within 10 seconds', async () => {
  const { id, apiKey, secret } = await createApiKey(app.deps, { name: 'Ends', permissions: [...PERMISSIONS] })
  const answer = await app.fetch('/api/auth/token', {
    method: 'POST',
    as: null,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ apiKey, secret }),
  })
  const { token: as } = (await answer.json()) as { token: string }
  expect((await app.fetch('/api/documents', { as })).status).toBe(200)
  expect((await app.fetch(`/api/auth/api-keys/${id}`, { method: 'DELETE', as: ADMIN_TOKEN })).status).toBe(
    204,
  )

  // The cache of callers goes by this clock.
  const now = performance.now.bind(performance)
  const later = vi.spyOn(performance, 'now').mockImplementation(() => now() + 10_001)
  try {
    expect((await app.fetch('/api/documents', { as })).status).toBe(401)
  } finally {
    later.mockRestore()
  }
})
