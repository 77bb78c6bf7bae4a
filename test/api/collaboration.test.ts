import { expect, test } from 'vitest'
import { colorOf } from '../../src/core/collaboration.ts'
import { bearerWith } from '../docserver/support.ts'
import type { TestApp } from '../support/app.ts'
import { startBoth } from '../support/both.ts'
import { testClock } from '../support/clock.ts'

type Status = {
  documentId: string
  activeUserCount: number
  activeUsers: { userId: string; source: string }[]
}

function join(app: TestApp, documentId: string, userId: string, as?: string) {
  return app.fetch('/api/collaboration/join', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ documentId, userId, userName: `${userId} of Tests` }),
    ...(as === undefined ? {} : { as }),
  })
}

async function users(app: TestApp, id: string, path = ''): Promise<string[]> {
  const status = (await (await app.fetch(`/api/collaboration/${id}${path}`)).json()) as Status
  expect(status).toMatchObject({ documentId: id, activeUserCount: status.activeUsers.length })
  return status.activeUsers.map(({ userId, source }) => `${userId} (${source})`)
}

test('who joined by REST and who is in the editor are one list, and nobody counts twice', async () => {
  await using both = await startBoth()
  const { app, id } = both
  await both.open('ann')
  const joined = (await (await join(app, id, 'bob')).json()) as Record<string, unknown>
  expect(joined).toMatchObject({
    sessionId: expect.any(String),
    userColor: expect.stringMatching(/^#[0-9a-f]{6}$/),
  })
  await join(app, id, 'ann')

  for (const path of ['', '/status', '/sessions', '/users']) {
    expect(await users(app, id, path)).toEqual(['bob (api)', 'ann (api)'])
  }
})

test('joining again keeps the session, silence for a minute and leaving end it', async () => {
  const clock = testClock()
  await using both = await startBoth({ clock: clock.now })
  const { app, id } = both
  const first = (await (await join(app, id, 'bob')).json()) as { sessionId: string }
  clock.pass(50)
  const second = (await (await join(app, id, 'bob')).json()) as { sessionId: string }
  expect(second.sessionId).toBe(first.sessionId)
  clock.pass(50)
  expect(await users(app, id)).toEqual(['bob (api)'])
  clock.pass(11)
  expect(await users(app, id)).toEqual([])

  await join(app, id, 'bob')
  const left = await app.fetch('/api/collaboration/leave', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ documentId: id, userId: 'bob' }),
  })
  expect(left.status).toBe(204)
  expect(await users(app, id)).toEqual([])
})

test('joining needs its own permission, and other workspaces’ documents do not exist', async () => {
  await using both = await startBoth()
  const { app, id } = both
  const reader = await bearerWith(app, ['documents:read'])
  const stranger = await bearerWith(app, ['collaboration:join'], { elsewhere: true })
  const guest = await bearerWith(app, ['collaboration:join'])

  expect((await join(app, id, 'bob', reader)).status).toBe(403)
  expect((await join(app, id, 'bob', stranger)).status).toBe(404)
  expect((await join(app, id, 'bob', guest)).status).toBe(200)
  expect((await app.fetch(`/api/collaboration/${id}`, { as: reader })).status).toBe(200)
  expect((await app.fetch(`/api/collaboration/${id}`, { as: stranger })).status).toBe(404)
})

test('a user has one colour everywhere, and white text on it is readable', () => {
  expect(colorOf('ann')).toBe(colorOf('ann'))
  const colours = new Set(Array.from({ length: 500 }, (_, index) => colorOf(`user ${index}`)))
  expect(colours.size).toBeGreaterThan(150)
})
