import { expect, test } from 'vitest'
import { readText } from '../../src/emulator/content.ts'
import { startEmulator } from '../../src/emulator/start.ts'
import { sign } from '../../src/emulator/tokens.ts'
import { command, documentAt, FAST, OK, signed, startHost } from './host.ts'

const names = (editor: { events: { name: string }[] }) => editor.events.map(({ name }) => name)

test('an edited document is saved when the last editor has left', async () => {
  await using host = await startHost()
  await using emulator = await startEmulator({ timings: FAST })
  const editor = await emulator.open(documentAt(host, { key: 'k1' }))
  expect(names(editor)).toEqual(['onAppReady', 'onInfo', 'onDocumentReady'])
  expect(editor.paragraphs()).toEqual(['first', 'second'])

  editor.type(0, 'changed & <kept>')
  editor.type(2, 'added')
  await editor.close()
  await emulator.settled()

  expect(host.statuses()).toEqual([1, 2])
  const response = await fetch(String(host.last(2).url))
  expect(readText(Buffer.from(await response.arrayBuffer()), 'docx')).toEqual([
    'changed & <kept>',
    'second',
    'added',
  ])
  expect(await command(emulator.url, { c: 'info', key: 'k1' })).toEqual({ key: 'k1', error: 0, users: [] })
})

test('document.url is fetched once per key, with a token, by whoever comes first', async () => {
  await using host = await startHost()
  await using emulator = await startEmulator({ timings: FAST })
  const editors = await Promise.all(
    ['a', 'b', 'c'].map((user) => emulator.open(documentAt(host, { key: 'k', user }))),
  )
  for (const editor of editors) await editor.close()
  const again = await emulator.open(documentAt(host, { key: 'k' }))
  expect(again.isOpen).toBe(true)
  expect(host.downloads).toHaveLength(1)
  expect(host.downloads[0]?.headers.authorization).toMatch(/^Bearer /)
})

test('someone who joins in time puts the save off; each key closes for itself', async () => {
  await using host = await startHost()
  await using emulator = await startEmulator({ timings: { ...FAST, closeToSaveMs: 150 } })
  const alice = await emulator.open(documentAt(host, { key: 'k', user: 'alice' }))
  alice.type(0, 'by alice')
  await alice.close()
  const bob = await emulator.open(documentAt(host, { key: 'k', user: 'bob' }))
  expect(bob.paragraphs()[0]).toBe('by alice')
  await emulator.settled()
  expect(host.statuses()).toEqual([1, 1])
  expect(emulator.editorsOf('k')).toEqual(['bob'])
  await bob.close()
  await emulator.settled()
  expect(host.statuses()).toEqual([1, 1, 2])
  expect(host.last(2)).toMatchObject({ users: ['alice'], actions: [{ type: 0, userid: 'bob' }] })
})

test('a saved key is dead for its time, then opens from document.url again', async () => {
  await using host = await startHost()
  let minutes = 0
  const clock = () => new Date(Date.UTC(2026, 0, 1, 0, minutes))
  await using emulator = await startEmulator({ timings: FAST, clock })
  const open = () => {
    const { token: _token, ...config } = documentAt(host, { key: 'k' })
    return emulator.open({ ...config, token: sign(config, { secret: emulator.secret, now: clock() }) })
  }
  const first = await open()
  first.type(0, 'edited')
  await first.close()
  await emulator.settled()
  minutes = 4
  const refused = await open()
  expect(names(refused)).toEqual(['onAppReady', 'onRequestRefreshFile'])
  expect(() => refused.type(0, 'no')).toThrow('read-only')
  minutes = 6
  expect((await open()).paragraphs()).toEqual(['first', 'second'])
  expect(host.downloads).toHaveLength(2)
})

test('while a final save waits for its answer the key is refused, and refreshFile with it fires nothing', async () => {
  await using host = await startHost()
  await using emulator = await startEmulator({
    timings: { ...FAST, callbackTimeoutMs: 300, retryDelaysMs: [] },
  })
  host.answer(({ body }) => (body?.status === 2 ? 'hang' : OK))
  const alice = await emulator.open(documentAt(host, { key: 'k' }))
  alice.type(0, 'edited')
  await alice.close()
  await expect.poll(() => host.statuses()).toEqual([1, 2])
  const bob = await emulator.open(documentAt(host, { key: 'k', user: 'bob' }))
  await bob.refreshFile(documentAt(host, { key: 'k', user: 'bob' }))
  expect(names(bob)).toEqual(['onAppReady', 'onRequestRefreshFile'])
  // After a refused opening the new key's is an ordinary one.
  await bob.refreshFile(documentAt(host, { key: 'k2', user: 'bob' }))
  expect(names(bob).slice(2)).toEqual(['onInfo', 'onDocumentReady'])
  await emulator.settled()
})

test('between two attempts the key opens, the retries stop and the next save holds everything', async () => {
  await using host = await startHost()
  await using emulator = await startEmulator({ timings: { ...FAST, retryDelaysMs: [60_000] } })
  host.answer(({ body }) => (body?.status === 2 ? { status: 503 } : OK))
  const alice = await emulator.open(documentAt(host, { key: 'k' }))
  alice.type(0, 'by alice')
  await alice.close()
  await expect.poll(() => emulator.callbacks.at(-1)?.answer).toMatchObject({ status: 503 })
  host.answer(() => OK)
  const bob = await emulator.open(documentAt(host, { key: 'k', user: 'bob' }))
  bob.type(1, 'by bob')
  await bob.close()
  await emulator.settled()
  expect(host.statuses()).toEqual([1, 2, 1, 2])
  const response = await fetch(String(host.last(2).url))
  expect(readText(Buffer.from(await response.arrayBuffer()), 'docx')).toEqual(['by alice', 'by bob'])
})

test('refreshFile moves an editor without an event, and the old key is saved', async () => {
  await using host = await startHost()
  await using emulator = await startEmulator({ timings: FAST })
  const editor = await emulator.open(documentAt(host, { key: 'k' }))
  const viewer = await emulator.open(documentAt(host, { key: 'k', user: 'viewer', mode: 'view' }))
  editor.type(0, 'before the move')
  const before = editor.events.length
  await editor.refreshFile(documentAt(host, { key: 'k2' }))
  expect(editor.events).toHaveLength(before)
  expect(editor.paragraphs()).toEqual(['first', 'second'])
  await emulator.settled()
  expect(host.statuses('k')).toEqual([1, 2])
  expect(host.statuses('k2')).toEqual([1])
  expect(emulator.editorsOf('k2')).toEqual(['alice'])
  expect(names(viewer)).toEqual(['onAppReady', 'onInfo', 'onDocumentReady'])
})

test('in strict mode text stays in the tab: forcesave answers 4, moving or dropping loses it, Save hands it over', async () => {
  await using host = await startHost()
  await using emulator = await startEmulator({ timings: FAST })
  const strict = await emulator.open(documentAt(host, { key: 'k', user: 'strict', strict: true }))
  const other = await emulator.open(documentAt(host, { key: 'k', user: 'other' }))
  strict.type(0, 'unsaved')
  strict.type(1, 'too')
  expect(strict.paragraphs()).toEqual(['unsaved', 'too'])
  expect(other.paragraphs()).toEqual(['first', 'second'])
  expect((await command(emulator.url, { c: 'forcesave', key: 'k' })).error).toBe(4)
  await strict.save()
  expect(other.paragraphs()).toEqual(['unsaved', 'too'])
  expect(host.last(6)).toMatchObject({ forcesavetype: 1, users: ['strict'] })
  expect(strict.events.slice(3)).toEqual([
    { name: 'onDocumentStateChange', data: true },
    { name: 'onDocumentStateChange', data: false },
  ])
  other.type(0, 'by other')
  expect(strict.paragraphs()[0]).toBe('unsaved')
  await other.close()

  strict.type(0, 'lost by the move')
  await strict.refreshFile(documentAt(host, { key: 'k2', user: 'strict', strict: true }))
  expect(strict.paragraphs()).toEqual(['first', 'second'])
  strict.type(0, 'lost by the drop')
  await command(emulator.url, { c: 'drop', key: 'k2', users: ['strict'] })
  await emulator.settled()
  expect(host.statuses('k2')).toEqual([1, 4])
  const response = await fetch(String(host.last(2).url))
  expect(readText(Buffer.from(await response.arrayBuffer()), 'docx')).toEqual(['by other', 'too'])
  // A dropped editor is disabled for good.
  await strict.refreshFile(documentAt(host, { key: 'k3', user: 'strict' }))
  expect(host.statuses('k3')).toEqual([])
  expect(() => strict.type(0, 'no')).toThrow('read-only')
})

test('a closing without change leaves the key usable; viewers send nothing', async () => {
  await using host = await startHost()
  await using emulator = await startEmulator({ timings: FAST })
  await (await emulator.open(documentAt(host, { key: 'k' }))).close()
  const viewer = await emulator.open(documentAt(host, { key: 'k', mode: 'view' }))
  expect(viewer.paragraphs()).toEqual(['first', 'second'])
  expect(() => viewer.type(0, 'no')).toThrow('read-only')
  await viewer.close()
  const again = await emulator.open(documentAt(host, { key: 'k' }))
  expect(again.isOpen).toBe(true)
  expect(host.statuses()).toEqual([1, 4, 1])
})

test('a document that cannot be fetched: three tries, onError -4, status 4, and the next opening tries anew', async () => {
  await using host = await startHost()
  await using emulator = await startEmulator({ timings: FAST })
  const config = documentAt(host, { key: 'k' })
  const bytes = host.files.get('/files/k.docx') ?? Buffer.alloc(0)
  host.files.delete('/files/k.docx')
  const failed = await emulator.open(config)
  expect(failed.events.at(-1)).toEqual({
    name: 'onError',
    data: { errorCode: -4, errorDescription: 'Download failed' },
  })
  await emulator.settled()
  expect(host.downloads).toHaveLength(3)
  expect(host.statuses()).toEqual([1, 4])
  host.files.set('/files/k.docx', bytes)
  expect((await emulator.open(config)).isOpen).toBe(true)
})

test('a refused status 1 alarms the user at once', async () => {
  await using host = await startHost()
  await using emulator = await startEmulator({ timings: FAST })
  host.answer(() => ({ status: 503 }))
  const editor = await emulator.open(documentAt(host))
  const warning = await editor.waitForEvent('onWarning')
  expect(warning.data).toMatchObject({ warningDescription: expect.stringContaining('could not be saved') })
})

test('types without editable text open read-only, and take whole new bytes', async () => {
  await using host = await startHost()
  await using emulator = await startEmulator({ timings: FAST })
  const editor = await emulator.open(
    documentAt(host, { key: 'k', fileType: 'xls', bytes: Buffer.from('sheet') }),
  )
  expect(editor.paragraphs()).toEqual([])
  expect(() => editor.type(0, 'no')).toThrow('cannot be edited')
  editor.replaceBytes(Buffer.from('new sheet'))
  await editor.close()
  await emulator.settled()
  // The binary formats are never written.
  expect(host.last(2)).toMatchObject({
    filetype: 'xlsx',
    url: expect.stringContaining('/output.xlsx/output.xlsx?'),
  })
  expect(await (await fetch(String(host.last(2).url))).text()).toBe('new sheet')
})

test('a text file is one text', async () => {
  await using host = await startHost()
  await using emulator = await startEmulator({ timings: FAST })
  const bytes = Buffer.from('\ufeffä,b\r\nc,d\r\n')
  const editor = await emulator.open(documentAt(host, { fileType: 'csv', bytes }))
  expect(editor.paragraphs()).toEqual([bytes.toString()])
  editor.type(0, `${bytes.toString()}e,f\r\n`)
  await editor.close()
  await emulator.settled()
  const saved = Buffer.from(await (await fetch(String(host.last(2).url))).arrayBuffer())
  expect(saved.toString()).toBe('\ufeffä,b\r\nc,d\r\ne,f\r\n')
})

test('the config must be signed as it is', async () => {
  await using host = await startHost()
  await using emulator = await startEmulator({ timings: FAST })
  const good = documentAt(host)
  const { token: _token, ...unsigned } = good
  const tamper = (change: (config: typeof good) => void) => {
    const config = structuredClone(good)
    change(config)
    return config
  }
  const codes = async (config: typeof good, token?: string) => {
    const editor = await emulator.open(config, token === undefined ? {} : { token })
    return editor.events
      .filter(({ name }) => name === 'onError')
      .map(({ data }) => (data as { errorCode: number }).errorCode)
  }
  const bad = [
    unsigned as typeof good,
    signed(good, 'another-secret-0123456789abcdef0123'),
    tamper(({ document }) => {
      document.key = 'another'
    }),
    tamper(({ document }) => {
      document.url += '?x'
    }),
    tamper(({ document }) => {
      document.permissions = { ...document.permissions, edit: false }
    }),
    tamper(({ editorConfig }) => {
      if (editorConfig) editorConfig.callbackUrl = 'http://127.0.0.1/other'
    }),
    tamper(({ editorConfig }) => {
      if (editorConfig) editorConfig.mode = 'view'
    }),
    tamper(({ editorConfig }) => {
      if (editorConfig) editorConfig.user = { id: 'mallory' }
    }),
    signed({ ...good, url: 'http://127.0.0.1/' }),
    signed({ ...good, key: 'k' }),
    signed({ ...good, payload: {} }),
    signed({ ...good, document: { ...good.document, key: 'with space' } }),
  ]
  for (const config of bad) expect(await codes(config)).toEqual([-20])
  expect(await codes(signed(good, undefined, -120))).toEqual([-21])
  expect(await codes(unsigned as typeof good, good.token)).toEqual([])
  expect(host.statuses()).toEqual([1])
})
