import { readdir, writeFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import type { DoctorParts } from '../../src/doctor/parts.ts'
import type { Database } from '../../src/metadata/schema.ts'
import { isScaled } from '../support/scale.ts'
import { expectTrouble, startScene } from './support.ts'

/** As SQLite's on a disk without room. */
const fullDatabase = {
  updateTable: () => ({
    set: () => ({ execute: () => Promise.reject(Object.assign(new Error('no'), { code: 'SQLITE_FULL' })) }),
  }),
  selectFrom: () => {
    throw Object.assign(new Error('no'), { code: 'SQLITE_FULL' })
  },
} as unknown as Database

// Elsewhere the database is on another disk.
test.skipIf(isScaled).each([
  ['ENOSPC', 'disk-room', 'Free room on the disk of DATA_DIR'],
  ['EDQUOT', 'disk-room', 'Free room on the disk of DATA_DIR'],
  ['EROFS', 'data-folder', 'DATA_DIR'],
])('%s: one finding, however it shows', async (fault, id, fix) => {
  await using scene = await startScene()
  const full: Partial<DoctorParts> = {
    database: fullDatabase,
    writeFile: async (...given: Parameters<typeof writeFile>) => {
      await writeFile(given[0], '')
      throw Object.assign(new Error('no'), { code: fault })
    },
  }
  await expectTrouble({ ...scene, troubles: () => scene.troubles(full) }, `fail ${id} (service)`, fix)
  const { checks } = await scene.diagnose(full)
  expect(checks.find((check) => check.id === 'database')?.evidence).toBe(`not checked because of ${id}`)
  expect((await readdir(scene.app.dataDir)).filter((name) => name.startsWith('.doctor'))).toEqual([])
})

test('a database that takes nothing is one finding, too', async () => {
  await using scene = await startScene()
  const broken = { ...scene, troubles: () => scene.troubles({ database: fullDatabase }) }
  await expectTrouble(broken, 'fail database (service)', 'DATABASE_URL')
})
