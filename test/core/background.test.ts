import { pino } from 'pino'
import { expect, test, vi } from 'vitest'
import { startApp } from '../support/app.ts'

test('a round that fails again and again is logged once, and once when it goes on', async () => {
  const lines: { msg: string; job?: string }[] = []
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) })
  await using app = await startApp({ overrides: { background: true, log } })
  const said = (msg: string) => lines.filter((line) => line.msg === msg).map(({ job }) => job)
  const queries = vi.spyOn(app.deps.database, 'selectFrom').mockImplementation(() => {
    throw new Error('the database is away')
  })
  await expect.poll(() => queries.mock.calls.length, { timeout: 15_000 }).toBeGreaterThan(12)
  const failed = said('background work failed')
  expect(failed).toContain('linked files')
  expect(new Set(failed).size).toBe(failed.length)
  queries.mockRestore()
  await expect.poll(() => said('background work goes on'), { timeout: 15_000 }).toContain('linked files')
})
