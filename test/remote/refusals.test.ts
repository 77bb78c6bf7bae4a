import { Writable } from 'node:stream'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { ConfigError, loadConfig } from '../../src/config.ts'
import { HttpRemoteFiles } from '../../src/remote/http-remote-files.ts'
import { startApp } from '../support/app.ts'
import { makeXlsx } from '../support/files.ts'
import { startFileManager } from './file-manager.ts'
import { link, ORIGINAL, PATH, type Scene, startScene } from './scene.ts'

async function nothingIsKept({ both: { app } }: Pick<Scene, 'both'>): Promise<void> {
  const documents = await app.deps.database.selectFrom('documents').select('title').execute()
  expect(documents.map(({ title }) => title)).toEqual(['report'])
  expect(await app.deps.database.selectFrom('remote_files').select('document_id').execute()).toEqual([])
}

test('only origins that the administrator has named are asked, by scheme, host and port', async () => {
  await using scene = await startScene()
  await using other = await startFileManager()
  other.files.set(PATH, ORIGINAL)
  const { port } = new URL(scene.manager.origin)
  const foreign = [
    `${other.origin}${PATH}`,
    `http://localhost:${port}${PATH}`,
    `http://localhost.:${port}${PATH}`,
    `https://127.0.0.1:${port}${PATH}`,
    `http://127.0.0.1${PATH}`,
    `http://[::ffff:127.0.0.1]:${port}${PATH}`,
    'http://169.254.169.254/latest/meta-data',
  ]
  for (const url of foreign) {
    for (const more of [{ url }, { writeBack: { url, method: 'PUT' } }]) {
      const { status, json } = await link(scene, more)
      expect([url, status, json.code]).toEqual([url, 422, 'remote-origin-refused'])
    }
  }
  for (const url of [
    `http://me:secret@127.0.0.1:${port}${PATH}`,
    'file:///etc/passwd',
    'x',
    `${scene.manager.origin}/#a`,
  ])
    expect((await link(scene, { url })).status).toBe(400)
  expect([...scene.manager.requests, ...other.requests]).toEqual([])
  await nothingIsKept(scene)
})

test('a redirect is not followed', async () => {
  await using scene = await startScene()
  await using other = await startFileManager()
  other.files.set(PATH, ORIGINAL)
  for (const location of [`${other.origin}${PATH}`, `${scene.manager.origin}/elsewhere`]) {
    scene.manager.answers.set(PATH, (_request, response) => response.writeHead(302, { location }).end())
    const { status, json } = await link(scene)
    expect([status, json.code, json.detail]).toEqual([
      422,
      'remote-file-unreadable',
      'the file cannot be read: answered 302, redirects are not followed',
    ])
  }
  expect(other.requests).toEqual([])
  await nothingIsKept(scene)
})

test.each([
  [404, 'answered 404'],
  [403, 'answered 403'],
  [500, 'answered 500'],
  [206, 'answered 206'],
  ['drop', 'ECONNRESET'],
] as const)('a file that is answered with %s is not there', async (trouble, why) => {
  await using scene = await startScene()
  scene.manager.trouble = trouble
  const { status, json } = await link(scene)
  expect([status, json.code]).toEqual([422, 'remote-file-unreadable'])
  expect(json.detail).toContain(why)
  await nothingIsKept(scene)
})

test('what is no such document is refused: another type, no type, none at all', async () => {
  await using scene = await startScene()
  const { manager } = scene
  for (const [bytes, code] of [
    [Buffer.from('not a document'), 'content-mismatch'],
    [makeXlsx([['1']]), 'content-mismatch'],
    [Buffer.alloc(0), 'upload-empty'],
  ] as const) {
    manager.files.set(PATH, bytes)
    const { status, json } = await link(scene)
    expect([status, json.code]).toEqual([400, code])
  }
  manager.requests.length = 0
  for (const name of ['report', 'report.exe', '.docx', 'report.docx.zip'])
    expect([name, (await link(scene, { name })).status]).toEqual([name, 415])
  expect(manager.requests).toEqual([])
  await nothingIsKept(scene)
})

test('a file that is cut short, endless, too large, too slow or encoded is refused', async () => {
  await using scene = await startScene()
  const { both, manager } = scene
  const { deps } = both.app
  const half = ORIGINAL.subarray(0, ORIGINAL.length / 2)
  manager.answers.set(PATH, (request, response) => {
    response.writeHead(200, { 'Content-Length': ORIGINAL.length }).write(half, () => request.socket.destroy())
  })
  expect((await link(scene)).json.code).toBe('remote-file-unreadable')
  manager.answers.set(PATH, (request, response) => {
    response.writeHead(200).write(half, () => request.socket.destroy())
  })
  expect((await link(scene)).json.code).toBe('remote-file-unreadable')
  manager.answers.set(PATH, (_request, response) => {
    response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(ORIGINAL)
  })
  expect((await link(scene)).json.detail).toContain('encoded as gzip')

  deps.remoteFiles = new HttpRemoteFiles([manager.origin], { read: 300, post: 300 })
  manager.answers.set(PATH, (_request, response) => {
    const timer = setInterval(() => response.write('.'), 20)
    response.on('close', () => clearInterval(timer))
  })
  expect((await link(scene)).json).toMatchObject({
    code: 'remote-file-unreadable',
    detail: expect.stringContaining('did not end in time'),
  })
  manager.answers.set(PATH, () => {})
  expect((await link(scene)).json.detail).toContain('no answer in time')
  await nothingIsKept(scene)
})

test('an endless file ends at the largest size that is kept', async () => {
  await using manager = await startFileManager()
  await using app = await startApp({ env: { FILE_ORIGINS: manager.origin, MAX_FILE_BYTES: '100000' } })
  let isClosed = false
  manager.answers.set(PATH, (_request, response) => {
    const more = () => {
      while (!response.destroyed && response.write(Buffer.alloc(65_536)));
    }
    response.on('drain', more).on('close', () => {
      isClosed = true
    })
    more()
  })
  const response = await app.fetch('/api/links', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      url: `${manager.origin}${PATH}`,
      name: 'a.docx',
      key: 'a',
      user: { id: 'ann', name: 'Ann' },
    }),
  })
  expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([
    413,
    'upload-too-large',
  ])
  await expect.poll(() => isClosed).toBe(true)
})

test('nothing is linked unless an origin is named, and names must be origins', () => {
  expect(loadConfig({}).FILE_ORIGINS).toEqual([])
  const FILE_ORIGINS = 'https://Files.example.com:443 http://10.0.0.5:8080,http://files/'
  expect(loadConfig({ FILE_ORIGINS }).FILE_ORIGINS).toEqual([
    'https://files.example.com',
    'http://10.0.0.5:8080',
    'http://files',
  ])
  for (const bad of [
    'files.example.com',
    'https://a/b',
    'https://a/?b',
    'ftp://a',
    'https://me@a',
    '*',
    'https://*.a.b/c',
  ])
    expect(() => loadConfig({ FILE_ORIGINS: bad })).toThrow(ConfigError)
})

test('no address, token or secret of theirs reaches the log', async () => {
  const lines: string[] = []
  const stream = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk))
      done()
    },
  })
  await using manager = await startFileManager()
  await using app = await startApp({
    env: { FILE_ORIGINS: manager.origin },
    overrides: { log: pino({ level: 'trace' }, stream) },
  })
  const ask = (url: string) =>
    app.fetch('/api/links', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ url, name: 'a.docx', key: 'a', user: { id: 'ann', name: 'Ann' } }),
    })
  for (const trouble of [404, 'drop', 302] as const) {
    manager.trouble = trouble
    expect(await (await ask(`${manager.origin}${PATH}?token=hidden`)).text()).not.toContain('hidden')
  }
  await ask('http://127.0.0.1:9/?token=hidden')
  const text = lines.join('')
  expect(text).toContain('/api/links')
  expect(text).not.toMatch(/hidden|whsec_/)
})
