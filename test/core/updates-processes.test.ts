import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test, vi } from 'vitest'
import { cpuTimeMs } from '../../src/core/updates/cpu-time.ts'
import { memoryLimitMb } from '../../src/core/updates/memory-limit.ts'
import { packUpdates } from '../../src/core/updates/packed-updates.ts'
import { YjsProcesses } from '../../src/core/updates/yjs-processes.ts'
import { crowds, yjsProcessesOf } from './slow-updates.ts'
import { expectProblem, openLog, sharedText, typed } from './updates-log.ts'

const [large = new Uint8Array()] = typed('y'.repeat(3_000_000))

/** Kills so many of our Yjs processes, as soon as each is there. */
async function killYjs(count: number, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  const killed = new Set<number>()
  await vi.waitUntil(
    () => {
      for (const pid of yjsProcessesOf(process.pid)) {
        if (killed.has(pid) || killed.size >= count) continue
        killed.add(pid)
        process.kill(pid, signal)
      }
      return killed.size >= count
    },
    { timeout: 30_000, interval: 1 },
  )
}

test('an update whose process is killed is checked once more', async () => {
  await using log = await openLog()
  const checked = log.updates.check(large)
  await killYjs(1)
  expect(await checked).toBeUndefined()
})

test('when that is killed too the service is at fault, not the update', async () => {
  await using log = await openLog()
  const checked = Promise.resolve(log.updates.check(large))
  const refused = expectProblem(checked, 'storage-unavailable')
  await killYjs(2)
  await refused
  expect(await log.updates.check(large)).toBeUndefined()
})

test('nothing is put aside because processes are killed', async () => {
  await using log = await openLog()
  const documentId = await log.newDocument()
  for (const update of typed('a', 'b')) await log.append(documentId, update)
  const refused = expectProblem(log.updates.state(documentId), 'storage-unavailable')
  await killYjs(2)
  await refused
  expect(await sharedText(log, documentId)).toBe('ab')
  expect(await log.database.selectFrom('quarantined_updates').selectAll().execute()).toEqual([])
  expect(log.lines).toEqual([])
})

test('only the signal of V8 tells of memory', async () => {
  const processes = new YjsProcesses({ timeLimitMs: 10_000, memoryLimitMb: 64 })
  const job = expect(processes.run('check', large)).rejects.toMatchObject({ reason: 'memory' })
  await killYjs(1, 'SIGABRT')
  await job
  await processes.close()
})

test('a process that cannot begin is no fault of its update', async () => {
  const processes = new YjsProcesses({ timeLimitMs: 10_000, memoryLimitMb: 64 })
  const { execPath } = process
  process.execPath = '/nowhere/node'
  try {
    await expectProblem(processes.run('check', large), 'storage-unavailable')
  } finally {
    process.execPath = execPath
  }
  expect(await processes.run('check', large)).toBeUndefined()
  await processes.close()
})

test('the heap is a share of what the container or the machine has', () => {
  const GIB = 1024 ** 3
  expect(memoryLimitMb(0, 64 * GIB)).toBe(1536)
  expect(memoryLimitMb(2 ** 64, 64 * GIB)).toBe(1536)
  expect(memoryLimitMb(3 * GIB, 64 * GIB)).toBe(512)
  expect(memoryLimitMb(0, 3 * GIB)).toBe(512)
  expect(memoryLimitMb(GIB / 8, 64 * GIB)).toBe(96)
})

test('a process in the middle of a job ends with the service', async () => {
  const script = `
    const { YjsProcesses } = await import(process.argv[1])
    process.once('message', (log) =>
      new YjsProcesses({ timeLimitMs: 600_000, memoryLimitMb: 512 }).run('merge', { snapshot: null, log }))
    process.send('ready')`
  const file = new URL('../../src/core/updates/yjs-processes.ts', import.meta.url).href
  const service = spawn(process.execPath, ['--input-type=module', '-e', script, file], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    serialization: 'advanced',
  })
  await once(service, 'message')
  service.send(packUpdates(crowds(6, 8000)))
  const pid = await vi.waitUntil(() => yjsProcessesOf(service.pid ?? 0)[0], { timeout: 30_000 })
  const isThere = () => {
    try {
      return process.kill(pid, 0)
    } catch {
      return false
    }
  }
  // It is in the middle of it when it has had some time of a processor.
  await vi.waitUntil(async () => ((await cpuTimeMs(pid)) ?? 0) > 400, { timeout: 30_000 })

  service.kill('SIGKILL')
  await vi.waitUntil(() => !isThere(), { timeout: 30_000 })
})
