import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { CHECKS } from '../../src/doctor/check.ts'
import { doctorCommand } from '../../src/doctor/command.ts'
import { ADMIN_TOKEN, SECRET } from '../support/app.ts'
import { LISTED, MAX_FILE_BYTES, type Scene, startScene } from './support.ts'

afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

/** The settings of the running service, as its operator's shell has them. */
function sameSettings({ app, docServer }: Scene, changes: Record<string, string> = {}) {
  const { DATABASE_URL, BLOBS_URL, BACKPLANE_URL, ROOT_SECRET = '' } = app.deps.config
  const settings = {
    ADMIN_TOKEN,
    DATABASE_URL,
    BLOBS_URL,
    BACKPLANE_URL,
    ROOT_SECRET,
    NODE_ENV: 'production',
    PORT: new URL(app.url).port,
    DATA_DIR: app.dataDir,
    PATH: app.deps.config.PATH,
    MAX_FILE_BYTES: String(MAX_FILE_BYTES),
    ALERT_DISK_FREE_BYTES: '1',
    ONLYOFFICE_URL: docServer.url,
    ONLYOFFICE_JWT_SECRET: SECRET,
    ...changes,
  }
  for (const [name, value] of Object.entries(settings)) vi.stubEnv(name, value)
}

/** @returns what it prints and its exit code */
async function run(json: boolean) {
  const printed: string[] = []
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => printed.push(String(text)) > 0)
  const code = await doctorCommand({ json })
  vi.restoreAllMocks()
  return { code, text: printed.join('') }
}

test('with nothing wrong it exits with 0 and lists every check by leg', async () => {
  await using scene = await startScene()
  sameSettings(scene)
  const { code, text } = await run(false)
  expect(code).toBe(0)
  expect(text).toMatch(/^browser→Document Server\n {2}✓ mixed-content: /)
  expect(text.match(/^\S.*→.*$|^service$/gm)).toEqual([
    'browser→Document Server',
    'us→Document Server',
    'Document Server→us',
    'service',
  ])
  expect(text.match(/^ {2}✓ /gm)).toHaveLength(LISTED.length)
  expect(text).toMatch(/All is well, no warnings\.\n$/)
})

test('a failure exits with 1, and its fix stands below it', async () => {
  await using scene = await startScene()
  sameSettings(scene, { ONLYOFFICE_JWT_SECRET: 'another-secret-0123456789abcdef0123456789' })
  const { code, text } = await run(false)
  expect(code).toBe(1)
  expect(text).toMatch(/^ {2}✗ document-server-secret: .*\n {6}→ Set ONLYOFFICE_JWT_SECRET/m)
  expect(text).toMatch(/1 failure, no warnings\.\n$/)
})

test('a warning alone exits with 0', async () => {
  await using scene = await startScene()
  sameSettings(scene, { ALERT_DISK_FREE_BYTES: String(2 ** 52) })
  const { code, text } = await run(false)
  expect(code).toBe(0)
  expect(text).toMatch(/^ {2}! disk-room: /m)
  expect(text).toMatch(/All is well, 1 warning\.\n$/)
})

test('as JSON', async () => {
  await using scene = await startScene()
  sameSettings(scene)
  const { code, text } = await run(true)
  expect(code).toBe(0)
  const report = JSON.parse(text) as { ok: boolean; checks: object[] }
  expect(Object.keys(report)).toEqual(['ok', 'checks'])
  expect(report.ok).toBe(true)
  for (const check of report.checks) {
    expect(Object.keys(check)).toEqual(['id', 'leg', 'result', 'evidence', 'fix'])
    expect(check).toMatchObject({ result: 'ok', fix: null, evidence: expect.any(String) })
  }
})

test('wrong settings are named and exit with 1', async () => {
  vi.stubEnv('PORT', 'no port')
  const printed = vi.spyOn(process.stderr, 'write').mockImplementation(() => true)
  expect(await doctorCommand({ json: false })).toBe(1)
  expect(String(printed.mock.calls[0]?.[0])).toContain('PORT')
})

test('an unreadable database is told, and the rest is looked at', async () => {
  await using scene = await startScene()
  sameSettings(scene, { DATABASE_URL: 'sqlite:/dev/null/metadata.sqlite', BLOBS_URL: '', BACKPLANE_URL: '' })
  const { code, text } = await run(false)
  expect(code).toBe(1)
  expect(text.match(/^ {2}✗ .*/gm)).toEqual([expect.stringContaining('database')])
})

test('with no Document Server the cause is told once, and the rest is one line', async () => {
  await using scene = await startScene()
  sameSettings(scene, { ONLYOFFICE_URL: '', ONLYOFFICE_JWT_SECRET: '' })
  const { code, text } = await run(false)
  expect(code).toBe(1)
  expect(text.split('\n')).toEqual([
    'us→Document Server',
    '  ✗ document-server-configured: none is configured',
    '      → Set ONLYOFFICE_URL and ONLYOFFICE_JWT_SECRET to those of your Document Server.',
    '',
    'Document Server→us',
    expect.stringMatching(/^ {2}✓ callbacks: /),
    '',
    'service',
    ...LISTED.filter((id) => CHECKS[id] === 'service').map((id) => expect.stringContaining(`  ✓ ${id}: `)),
    '',
    'Not checked because of document-server-configured: 24 checks (--json lists them).',
    '1 failure, no warnings.',
    '',
  ])
  const { checks } = JSON.parse((await run(true)).text) as { checks: { id: string }[] }
  expect(checks.map(({ id }) => id)).toEqual(LISTED)
})

test('before the first start nothing is made, and only what is to be done is told', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'nothing-yet-'))
  try {
    for (const DATA_DIR of [folder, join(folder, 'storage')]) {
      for (const [name, value] of Object.entries({ DATA_DIR, PORT: '1', NODE_ENV: 'production' })) {
        vi.stubEnv(name, value)
      }
      vi.stubEnv('ONLYOFFICE_URL', '')
      const { code, text } = await run(false)
      expect(code).toBe(1)
      expect(text.match(/^ {2}✗ [\w-]+/gm)).toEqual(['  ✗ document-server-configured', '  ✗ service-running'])
    }
    expect(await readdir(folder)).toEqual([])
  } finally {
    await rm(folder, { recursive: true })
  }
})
