import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { freshFolder, runCli, startCli } from './run.ts'

/** Each takes half a second on an idle machine. */
const MANY_PROCESSES_MS = 240_000

test(
  'the doctor and the emulator say what stops them as JSON, too',
  async () => {
    await using folder = await freshFolder()
    const data = { dataDir: folder.at('data') }
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as { port: number }
    const [doctor, emulator, refused] = await Promise.all([
      runCli({ ...data, env: { PORT: 'x' } }, 'doctor', '--json'),
      runCli(data, 'emulate', '--port', String(port), '--json'),
      runCli({ ...data, env: { NODE_ENV: 'production' } }, 'emulate', '--json'),
    ])
    taken.close()
    expect(doctor).toMatchObject({ code: 1, stdout: '', json: { code: 'settings-wrong' } })
    expect(emulator).toMatchObject({
      code: 1,
      stdout: '',
      json: { detail: expect.stringContaining('EADDRINUSE') },
    })
    expect(refused).toMatchObject({ code: 1, stdout: '', json: { code: 'development-only' } })
  },
  MANY_PROCESSES_MS,
)

test('a .env that cannot be read is named as a wrong setting', async () => {
  await using folder = await freshFolder()
  mkdirSync(folder.at('.env'))
  const run = await runCli({ dataDir: folder.at('data'), cwd: folder.path }, 'verify', '--json')
  expect([run.code, run.json]).toMatchObject([
    1,
    { code: 'settings-wrong', detail: expect.stringContaining('.env') },
  ])
})

test(
  'names from outside do not steer the terminal, and whoever reads may leave first',
  async () => {
    await using folder = await freshFolder()
    const data = { dataDir: folder.at('data') }
    expect((await runCli(data, 'keys', 'create', '--name', '\u001b[31mred\r\u009b2J')).code).toBe(0)
    const { stdout } = await runCli(data, 'keys', 'list')
    expect(stdout).toMatch(/^[^\p{Cc}]*\uFFFD\[31mred\uFFFD\uFFFD2J\n$/u)

    const { child, ended } = startCli(data, 'keys', 'list')
    child.stdout?.destroy()
    expect(await ended).toMatchObject({ code: 0, stderr: '' })
  },
  MANY_PROCESSES_MS,
)
