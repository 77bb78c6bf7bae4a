import { readdirSync } from 'node:fs'
import Sqlite from 'better-sqlite3'
import { expect, test } from 'vitest'
import { startApp } from '../support/app.ts'
import { freshFolder, runCli } from './run.ts'

/** Each takes half a second on an idle machine. */
const MANY_PROCESSES_MS = 240_000

type Made = { id: string; apiKey: string; secret: string; workspaceId: string; permissions: string[] }

test('a key made on the command line signs in at the running service until it is revoked', async () => {
  await using app = await startApp()
  const signIn = async ({ apiKey, secret }: Made) => {
    const response = await app.fetch('/api/auth/token', {
      method: 'POST',
      as: null,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ apiKey, secret }),
    })
    return response.status
  }
  const made = await runCli(
    app,
    'keys',
    'create',
    '--name',
    'Reader',
    '--permissions',
    'documents:read',
    '--json',
  )
  const key = made.json as Made
  expect([made.code, key.permissions]).toEqual([0, ['documents:read']])
  expect(await signIn(key)).toBe(200)

  const listed = (await runCli(app, 'keys', 'list', '--json')).json as {
    keys: { id: string; name: string }[]
  }
  expect(listed.keys.map(({ name }) => name)).toEqual(['Reader', 'Tests'])
  expect(JSON.stringify(listed)).not.toContain(key.secret)

  expect((await runCli(app, 'keys', 'revoke', key.apiKey)).code).toBe(0)
  expect(await signIn(key)).toBe(401)
  const again = await runCli(app, 'keys', 'revoke', key.id, '--json')
  expect([again.code, again.json]).toMatchObject([1, { code: 'api-key-not-found' }])
})

test('a key joins the workspace that is named, and none that does not exist', async () => {
  await using folder = await freshFolder()
  const data = { dataDir: folder.at('data') }
  const first = (await runCli(data, 'keys', 'create', '--name', 'One', '--json')).json as Made
  const second = await runCli(
    data,
    'keys',
    'create',
    '--name',
    'Two',
    '--workspace',
    first.workspaceId,
    '--json',
  )
  expect((second.json as Made).workspaceId).toBe(first.workspaceId)
  const lost = await runCli(data, 'keys', 'create', '--name', 'Three', '--workspace', 'nowhere', '--json')
  expect([lost.code, lost.json]).toMatchObject([1, { code: 'workspace-not-found' }])
})

const COMMANDS = [
  ['serve'],
  ['sign-in'],
  ['doctor'],
  ['keys', 'create'],
  ['keys', 'list'],
  ['keys', 'revoke'],
  ['saves', 'list'],
  ['saves', 'retry'],
  ['saves', 'export'],
  ['verify'],
  ['backup'],
  ['restore'],
  ['import'],
  ['export'],
  ['emulate'],
]

test(
  'every command explains itself with an example',
  async () => {
    await using folder = await freshFolder()
    await Promise.all(
      COMMANDS.map(async (command) => {
        const { code, stdout } = await runCli({ dataDir: folder.at('data') }, ...command, '--help')
        const example = expect.stringContaining(`cli -- ${command.join(' ')}`)
        expect([code, stdout], command.join(' ')).toEqual([0, example])
      }),
    )
    expect(readdirSync(folder.path)).toEqual([])
  },
  MANY_PROCESSES_MS,
)

test(
  'wrong usage ends with 2, as JSON if asked for',
  async () => {
    await using folder = await freshFolder()
    const data = { dataDir: folder.at('data') }
    for (const wrong of [
      ['nonsense'],
      ['backup'],
      ['keys', 'create'],
      ['verify', '--loud'],
      ['emulate', '--port', 'x'],
    ]) {
      const run = await runCli(data, ...wrong, '--json')
      expect([run.code, run.json, run.stdout], wrong.join(' ')).toMatchObject([
        2,
        { code: 'usage-wrong' },
        '',
      ])
    }
  },
  MANY_PROCESSES_MS,
)

test('wrong settings are named, as JSON if asked for', async () => {
  await using folder = await freshFolder()
  const run = await runCli({ dataDir: folder.at('data'), env: { PORT: 'x' } }, 'verify', '--json')
  expect([run.code, run.json]).toMatchObject([
    1,
    { code: 'settings-wrong', detail: expect.stringContaining('PORT') },
  ])
})

test(
  'a folder without data is no empty installation: commands say so and make nothing',
  async () => {
    await using folder = await freshFolder()
    const commands = [
      ['verify'],
      ['saves', 'list'],
      ['keys', 'list'],
      ['backup', folder.at('backup')],
      ['export', folder.at('out')],
    ]
    for (const command of commands) {
      const run = await runCli({ dataDir: folder.at('data') }, ...command, '--json')
      expect([run.code, run.json], command.join(' ')).toMatchObject([1, { code: 'data-missing' }])
    }
    expect(readdirSync(folder.path)).toEqual([])
  },
  MANY_PROCESSES_MS,
)

test(
  'data of a newer program is refused by every command and by the service',
  async () => {
    await using folder = await freshFolder()
    const data = { dataDir: folder.at('data') }
    expect((await runCli(data, 'keys', 'create', '--name', 'One')).code).toBe(0)
    expect((await runCli(data, 'backup', folder.at('earlier'))).code).toBe(0)
    const database = new Sqlite(folder.at('data', 'metadata.sqlite'))
    database.exec(`insert into kysely_migration (name, timestamp) values ('9999-later', '2099-01-01')`)
    database.close()

    const commands = [
      ['sign-in'],
      ['keys', 'list'],
      ['saves', 'list'],
      ['verify'],
      ['backup', folder.at('backup')],
      ['import', folder.path],
      ['export', folder.at('out')],
    ]
    for (const command of commands) {
      const run = await runCli(data, ...command, '--json')
      expect([run.code, run.json], command.join(' ')).toMatchObject([
        1,
        { code: 'schema-newer', detail: expect.stringContaining('9999-later') },
      ])
    }
    const served = await runCli({ ...data, env: { PORT: '0' } }, 'serve')
    expect([served.code, served.stdout]).toEqual([
      1,
      expect.stringContaining('written by a newer docs-connector'),
    ])
  },
  MANY_PROCESSES_MS,
)
