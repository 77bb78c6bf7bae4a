import { expect, test, vi } from 'vitest'
import { type Check, failed, passed, unlooked, warned } from '../../src/doctor/check.ts'
import { createContinuousDoctor } from '../../src/doctor/continuous.ts'
import { type Scene, startScene } from './support.ts'

const WELL = passed('database', 'the database answers')
const ILL = failed('database', 'the database is away', 'Bring it back.')
const UNSEEN = unlooked('database', 'of disk-room')
const POOR = warned('database', 'the database is slow', 'Make it faster.')

/** A doctor that sees these one after the other. */
function doctorSeeing(rounds: Check[]) {
  const said: [string, string][] = []
  const log = {
    warn: (_fields: object, text: string) => said.push(['warn', text]),
    info: (_fields: object, text: string) => said.push(['info', text]),
  }
  const now = new Date('2026-01-01T00:00:00Z')
  const doctor = createContinuousDoctor(
    { clock: () => now, log } as unknown as Parameters<typeof createContinuousDoctor>[0],
    async () => {
      const check = rounds.shift()
      return { ok: check?.result !== 'fail', checks: check === undefined ? [] : [check] }
    },
  )
  return { doctor, said, now }
}

/** What is shown after each of these rounds. */
async function shownAfter(rounds: Check[]) {
  const { doctor, said } = doctorSeeing([...rounds])
  const shown: (string | undefined)[] = []
  for (const _round of rounds) {
    await doctor.round()
    shown.push(doctor.shown().checks[0]?.result)
  }
  return { shown, said, ok: doctor.shown().ok }
}

test('one blip changes nothing and is not logged', async () => {
  const { shown, said, ok } = await shownAfter([WELL, ILL, WELL, POOR, WELL, ILL, WELL])
  expect(shown).toEqual(Array(7).fill('ok'))
  expect([ok, said]).toEqual([true, []])
})

test('two equal results change what is shown, once each way, and each change is logged once', async () => {
  const { shown, said, ok } = await shownAfter([WELL, ILL, ILL, ILL, WELL, ILL, WELL, WELL, WELL])
  expect(shown).toEqual(['ok', 'ok', 'fail', 'fail', 'fail', 'fail', 'fail', 'ok', 'ok'])
  expect(ok).toBe(true)
  expect(said).toEqual([
    ['warn', 'service: the database is away. Bring it back.'],
    ['info', 'service: well again, the database answers'],
  ])
})

test('what is bad at the first look is shown after the second', async () => {
  const { shown, said } = await shownAfter([ILL, ILL, POOR, POOR])
  expect(shown).toEqual([undefined, 'fail', 'fail', 'warn'])
  expect(said.map(([level]) => level)).toEqual(['warn', 'warn'])
})

test('a start beside a Document Server that is still starting raises nothing', async () => {
  const { shown, said } = await shownAfter([ILL, WELL, WELL])
  expect(shown).toEqual([undefined, undefined, 'ok'])
  expect(said).toEqual([])
})

test('bad in turns is bad', async () => {
  const { shown, said } = await shownAfter([WELL, ILL, POOR, ILL, POOR])
  expect(shown).toEqual(['ok', 'ok', 'warn', 'warn', 'warn'])
  expect(said).toHaveLength(1)
})

test('what was not looked at is neither well again nor ill anew', async () => {
  const { shown, said } = await shownAfter([ILL, ILL, UNSEEN, UNSEEN, ILL, ILL, UNSEEN, UNSEEN, WELL, WELL])
  expect(shown).toEqual([undefined, 'fail', 'fail', 'ok', 'ok', 'fail', 'fail', 'ok', 'ok', 'ok'])
  expect(said.map(([level]) => level)).toEqual(['warn', 'info'])
})

test('after one bad round nothing is claimed either', async () => {
  expect((await shownAfter([ILL])).ok).toBeUndefined()
  expect((await shownAfter([ILL, ILL])).ok).toBe(false)
})

test('before the first round nothing is claimed', () => {
  const { doctor } = doctorSeeing([])
  expect(doctor.shown()).toEqual({ ok: undefined, checks: [], checkedAt: undefined })
})

test('the evidence of the last look is shown', async () => {
  const { doctor } = doctorSeeing([WELL, passed('database', 'faster than ever')])
  await doctor.round()
  await doctor.round()
  expect(doctor.shown().checks[0]?.evidence).toBe('faster than ever')
})

/** A doctor inside the service. */
function continuous({ parts, app }: Scene) {
  const { looksOnce: _looksOnce, ...rest } = parts
  return createContinuousDoctor({ ...rest, log: app.deps.log })
}

test('Document Server goes and comes back: nothing is disabled, and it is seen both times', async () => {
  await using scene = await startScene()
  const doctor = continuous(scene)
  await doctor.round()
  expect(doctor.shown()).toMatchObject({ ok: true, checkedAt: expect.any(Date) })
  scene.docServer.faults.healthcheck()
  await doctor.round()
  expect(doctor.shown().ok).toBe(true)
  await doctor.round()
  expect(doctor.shown().ok).toBe(false)
  expect(
    doctor
      .shown()
      .checks.filter(({ result }) => result === 'fail')
      .map(({ id }) => id),
  ).toEqual(['document-server-health'])
  scene.docServer.faults.clear()
  await doctor.round()
  await doctor.round()
  expect(doctor.shown().ok).toBe(true)
})

test('rounds leave out what Document Server would log as an error', async () => {
  await using scene = await startScene({ emulator: { maxDownloadBytes: 1000 } })
  const doctor = continuous(scene)
  await doctor.round()
  await doctor.round()
  const size = doctor.shown().checks.find(({ id }) => id === 'size-limit')
  expect(size).toMatchObject({ result: 'ok', evidence: expect.stringContaining('not checked') })
})

test('a round never throws', async () => {
  const warn = vi.fn()
  const doctor = createContinuousDoctor(
    { clock: () => new Date(), log: { warn } } as unknown as Parameters<typeof createContinuousDoctor>[0],
    () => Promise.reject(new Error('broken')),
  )
  await doctor.round()
  expect(doctor.shown().checks).toEqual([])
  expect(warn).toHaveBeenCalledTimes(1)
})
