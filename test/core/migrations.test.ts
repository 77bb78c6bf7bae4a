import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openDatabase } from '../../src/metadata/database.ts'
import { keyPrefix } from '../../src/metadata/installation.ts'
import { FaultyCalls } from '../support/faulty-calls.ts'
import { faultyDialect } from '../support/faulty-dialect.ts'

test('a first start that is cut off at any of its statements leaves a folder that starts', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'docs-connector-'))
  const url = (n: number) => `sqlite:${folder}/${n}.sqlite`
  let cutOff = 0
  for (let n = 1; ; n += 1) {
    const calls = new FaultyCalls()
    calls.arm({ nth: n, fromThenOn: true })
    const first = await openDatabase(url(n), { wrap: faultyDialect(calls) }).catch(() => undefined)
    if (first !== undefined) {
      await first.destroy()
      break
    }
    cutOff += 1
    const second = await openDatabase(url(n))
    expect(await keyPrefix(second)).toMatch(/^[0-9a-f]{8}$/)
    await second.destroy()
  }
  await rm(folder, { recursive: true, force: true })
  expect(cutOff).toBeGreaterThan(20)
})
