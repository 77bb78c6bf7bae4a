import { Writable } from 'node:stream'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { testClock } from '../support/clock.ts'
import { ask, pageTokenOf } from './asked.ts'
import { openedDocx, startPair } from './support.ts'

async function startLogged() {
  const lines: Record<string, unknown>[] = []
  const stream = new Writable({
    write(chunk, _encoding, done) {
      lines.push(JSON.parse(String(chunk)))
      done()
    },
  })
  const clock = testClock()
  const pair = await startPair({ clock: clock.now, overrides: { log: pino({ level: 'info' }, stream) } })
  const reports = () => lines.filter(({ msg }) => String(msg).startsWith('editor reports'))
  return { ...pair, clock, reports, [Symbol.asyncDispose]: () => pair[Symbol.asyncDispose]() }
}

test('what goes wrong in an editor stands in the log with its document, without names and addresses', async () => {
  await using on = await startLogged()
  const { id, key } = await openedDocx(on.app)
  const as = await pageTokenOf(on.app, id)
  const token = `eyJhbGciOiJIUzI1NiJ9.${'a'.repeat(20)}.${'b'.repeat(20)}`
  const description = `cannot load https://docs.example/file/1?t=secret#x, ${token} ${'x'.repeat(5000)}`
  const { status } = await ask(
    on.app,
    id,
    'telemetry',
    { event: 'onError', code: -4, description, key },
    { as },
  )
  await ask(on.app, id, 'telemetry', { event: 'onWarning', code: 'w' }, { as })

  expect(status).toBe(204)
  const [error, warning] = on.reports()
  expect(error).toMatchObject({
    level: 40,
    event: 'onError',
    code: -4,
    document: id,
    key,
    user: expect.stringMatching(/^[0-9a-f]{16}$/),
    description: expect.stringMatching(/^cannot load https:\/\/docs\.example\/file\/1 … x+$/),
  })
  expect(String(error?.description).length).toBeLessThanOrEqual(2048)
  expect(warning).toMatchObject({ level: 30, event: 'onWarning', code: 'w', user: error?.user })
})

test('a page reports thirty times a minute, whatever others do', async () => {
  await using on = await startLogged()
  const { app, clock } = on
  const { id } = await openedDocx(app)
  const as = await pageTokenOf(app, id)
  const report = async (asked: object) =>
    (await ask(app, id, 'telemetry', { event: 'onError' }, asked)).status
  for (let n = 0; n < 30; n += 1) expect(await report({ as })).toBe(204)
  expect(await report({ as })).toBe(429)
  clock.pass(1)
  expect(await report({ as: await pageTokenOf(app, id) })).toBe(204)
  clock.pass(58)
  expect(await report({ as })).toBe(429)
  clock.pass(1)
  expect(await report({ as })).toBe(204)
  expect(on.reports()).toHaveLength(32)
})

test.each([
  {},
  { event: 'load' },
  { event: `on${'x'.repeat(51)}` },
  { event: 'onError', code: {} },
  { event: 'onError', code: 1.5 },
  { event: 'onError', description: 1 },
  { event: 'onError', key: 'a b' },
  { event: 'onError', description: 'x'.repeat(300_000) },
])('a report that is none is refused and not logged %#', async (body) => {
  await using on = await startLogged()
  const { id } = await openedDocx(on.app)
  expect((await ask(on.app, id, 'telemetry', body)).status).toBe(
    'description' in body && String(body.description).length > 1 ? 413 : 400,
  )
  expect((await ask(on.app, id, 'telemetry', { event: 'onError' }, { as: null })).status).toBe(401)
  expect(on.reports()).toEqual([])
})
