import { createHash } from 'node:crypto'
import { PassThrough } from 'node:stream'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { firstIdAt, recordActivity } from '../../src/core/activity.ts'
import { pruneActivity } from '../../src/core/list-activity.ts'
import { bearerWith } from '../docserver/support.ts'
import { ADMIN_TOKEN, startApp, type TestApp } from '../support/app.ts'
import { startBoth } from '../support/both.ts'
import { testClock } from '../support/clock.ts'
import { makeDocx } from '../support/files.ts'

type Entry = {
  id: string
  at: string
  action: string
  workspaceId: string
  documentId: string | null
  actor: { id: string; name: string }
  detail: Record<string, unknown>
}
type Page = { activity: Entry[]; nextCursor?: string }

async function page(app: TestApp, query = '', as = app.token): Promise<Page> {
  const response = await app.fetch(`/api/activity${query}`, { as })
  if (response.status !== 200) throw new Error(`answered ${response.status}: ${await response.text()}`)
  const { activity, ...rest } = (await response.json()) as Page
  return { ...rest, activity: activity.filter(isOfDocuments) }
}

/** The tests' own keys are recorded too. */
function isOfDocuments({ action }: Entry): boolean {
  return !action.startsWith('api-key-')
}

async function exported(app: TestApp, query = '', as = app.token): Promise<Entry[]> {
  const response = await app.fetch(`/api/activity/export${query}`, { as })
  expect(response.headers.get('content-type')).toContain('application/x-ndjson')
  const text = await response.text()
  const lines = text.split('\n')
  expect(lines.pop()).toBe('')
  return lines.map((line): Entry => JSON.parse(line)).filter(isOfDocuments)
}

async function workspaceOf({ deps }: TestApp): Promise<string> {
  const key = await deps.database.selectFrom('api_keys').select('workspace_id').executeTakeFirstOrThrow()
  return key.workspace_id
}

/** One entry a second from 2026-11-01 on. */
async function fill(app: TestApp, count: number, text = ''): Promise<void> {
  const workspaceId = await workspaceOf(app)
  const from = Date.parse('2026-11-01T00:00:00Z')
  await app.deps.database.transaction().execute(async (tx) => {
    for (let n = 0; n < count; n += 1) {
      await recordActivity(tx, {
        workspaceId,
        documentId: null,
        actor: { id: 'ann', name: 'Ann' },
        action: n % 2 === 0 ? 'changed' : 'moved',
        at: new Date(from + n * 1000).toISOString(),
        detail: { n, text },
      })
    }
  })
}

test('who did what to which document is listed, newest first', async () => {
  await using both = await startBoth()
  const { app, id } = both
  await both.send({ status: 2 }, makeDocx(['edited']))
  await app.fetch(`/api/documents/${id}`, { method: 'DELETE' })
  const { activity } = await page(app, `?documentId=${id}`)
  expect(activity.map(({ action, actor }) => [action, actor.name])).toEqual([
    ['deleted', 'Tests'],
    ['saved', expect.any(String)],
    ['opened', 'Tests'],
    ['uploaded', 'Tests'],
  ])
  expect(activity[1]).toEqual({
    id: expect.any(String),
    at: expect.stringMatching(/Z$/),
    action: 'saved',
    workspaceId: await workspaceOf(app),
    documentId: id,
    actor: { id: 'ann', name: expect.any(String) },
    detail: { versionNumber: 2, outcome: 'final', saveId: expect.any(String) },
  })
})

test('it is filtered by document, action and time, and paged by cursor', async () => {
  await using app = await startApp()
  await fill(app, 25)
  const numbers = ({ activity }: Page) => activity.map(({ detail }) => detail.n)
  expect(numbers(await page(app, '?action=moved&take=3'))).toEqual([23, 21, 19])
  expect(numbers(await page(app, '?from=2026-11-01T00:00:05Z&to=2026-11-01T01:00:08%2B01:00'))).toEqual([
    7, 6, 5,
  ])
  expect(numbers(await page(app, '?to=2026-11-01'))).toEqual([])
  expect(numbers(await page(app, '?from=2026-11-01&to=2026-11-02&take=1'))).toEqual([24])
  expect(numbers(await page(app, `?documentId=${crypto.randomUUID()}`))).toEqual([])

  const all: unknown[] = []
  let cursor: string | undefined = ''
  while (cursor !== undefined) {
    const next: Page = await page(app, `?take=10${cursor === '' ? '' : `&cursor=${cursor}`}`)
    all.push(...numbers(next))
    cursor = next.nextCursor
  }
  expect(all).toEqual(Array.from({ length: 25 }, (_, n) => 24 - n))
})

test.each(['take=0', 'take=1001', 'action=read', 'from=yesterday', 'to=2026-13-01'])(
  '%s is refused with 400',
  async (query) => {
    await using app = await startApp()
    expect((await app.fetch(`/api/activity?${query}`)).status).toBe(400)
  },
)

test('a client sees its own workspace alone, the administrator all or one', async () => {
  await using app = await startApp()
  await fill(app, 2)
  const stranger = await bearerWith(app, ['documents:read'], { elsewhere: true })
  const mine = await workspaceOf(app)
  expect((await page(app, '', stranger)).activity).toEqual([])
  expect(await exported(app, '', stranger)).toEqual([])
  const foreign = await app.fetch(`/api/activity?workspaceId=${mine}`, { as: stranger })
  const missing = await app.fetch(`/api/activity?workspaceId=${crypto.randomUUID()}`, { as: stranger })
  expect([foreign.status, missing.status]).toEqual([404, 404])
  expect((await page(app, `?workspaceId=${mine}`, ADMIN_TOKEN)).activity).toHaveLength(2)
  expect((await page(app, '', ADMIN_TOKEN)).activity).toHaveLength(2)
  expect(await exported(app, '', ADMIN_TOKEN)).toHaveLength(2)
  const writer = await bearerWith(app, ['documents:write'])
  for (const path of ['/api/activity', '/api/activity/export'])
    expect((await app.fetch(path, { as: writer })).status).toBe(403)
})

test('5,000 entries are exported whole, oldest first, one JSON object a line', async () => {
  await using app = await startApp()
  await fill(app, 5000)
  const entries = await exported(app)
  expect(entries).toHaveLength(5000)
  expect(entries.map(({ detail }) => detail.n)).toEqual(Array.from({ length: 5000 }, (_, n) => n))
  const period = await exported(app, '?from=2026-11-01T00:10:00Z&to=2026-11-01T00:20:00Z')
  expect(period.map(({ detail }) => detail.n)).toEqual(Array.from({ length: 600 }, (_, n) => 600 + n))
})

test('an export that nobody reads to its end is no fault of the service, which goes on', async () => {
  const logged = new PassThrough()
  await using app = await startApp({ overrides: { log: pino({ level: 'error' }, logged) } })
  await fill(app, 5000, 'x'.repeat(2000))
  const leaving = new AbortController()
  const response = await app.fetch('/api/activity/export', { signal: leaving.signal })
  await response.body?.getReader().read()
  leaving.abort()
  expect((await page(app, '?action=moved&take=1')).activity).toHaveLength(1)
  await app.close()
  expect(logged.read()).toBeNull()
})

test('what is older than AUDIT_DAYS is forgotten, and finished deliveries before', async () => {
  const clock = testClock('2026-11-21T00:00:00.000Z')
  await using app = await startApp({ env: { AUDIT_DAYS: '10' }, overrides: { clock: clock.now } })
  await fill(app, 2500)
  await pruneActivity(app.deps)
  const kept = await app.deps.database.selectFrom('activity').select('action').execute()
  expect(kept.map(({ action }) => action)).toEqual(['api-key-created'])

  const ages = [
    ['delivered', 6],
    ['delivered', 8],
    ['failed', 29],
    ['failed', 31],
    ['pending', 3],
    ['pending', 5],
  ] as const
  for (const [state, days] of ages) {
    const at = new Date(clock.now().getTime() - days * 86_400_000).toISOString()
    const isPending = state === 'pending'
    await app.deps.database
      .insertInto('webhook_deliveries')
      .values({
        webhook_id: 'some',
        id: `${firstIdAt(at)}-7000-8000-${createHash('md5').update(state).digest('hex').slice(0, 12)}`,
        event: `${state} ${days}`,
        body: '{}',
        state,
        attempts: 1,
        next_attempt_at: isPending ? at : null,
        finished_at: isPending ? null : at,
        created_at: at,
      })
      .execute()
  }
  await pruneActivity(app.deps)
  const left = await app.deps.database
    .selectFrom('webhook_deliveries')
    .select(['event', 'state'])
    .orderBy('event')
    .execute()
  expect(left.map(({ event, state }) => `${event}: ${state}`)).toEqual([
    'delivered 6: delivered',
    'failed 29: failed',
    'pending 3: pending',
    'pending 5: failed',
  ])
})
