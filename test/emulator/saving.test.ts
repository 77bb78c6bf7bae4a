import { describe, expect, test } from 'vitest'
import { readText } from '../../src/emulator/content.ts'
import { startEmulator } from '../../src/emulator/start.ts'
import { sign } from '../../src/emulator/tokens.ts'
import { command, documentAt, docx, FAST, type Host, OK, signed, startHost } from './host.ts'

const textAt = async (url: unknown) =>
  readText(Buffer.from(await (await fetch(String(url))).arrayBuffer()), 'docx')

/** Refuses the next callbacks of this status, in order; OK afterwards. */
function refuse(host: Host, status: number, answers: Parameters<Host['answer']>[0][]) {
  host.answer((received) => (received.body?.status === status ? (answers.shift()?.(received) ?? OK) : OK))
}

async function editAndClose(host: Host, emulator: Awaited<ReturnType<typeof startEmulator>>, key = 'k') {
  const editor = await emulator.open(documentAt(host, { key }))
  editor.type(0, 'edited')
  await editor.close()
}

const HEARD = { status: 200, body: '{"error":0}' } as const

describe('what becomes of a final save, by the answer', () => {
  const saved = { posts: 1, forgotten: false }
  const retried = { posts: 4, forgotten: true }
  const dropped = { posts: 1, forgotten: true }
  test.each([
    ['200 {"error":0}', HEARD, saved],
    ['200 {"error":1}', { status: 200, body: '{"error":1}' }, dropped],
    ['200 without JSON', { status: 200, body: 'fine' }, dropped],
    ['201 {"error":0}', { status: 201 }, dropped],
    ['204', { status: 204, body: '' }, dropped],
    ['400 {"error":0}', { status: 400 }, dropped],
    ['404', { status: 404 }, dropped],
    ['429', { status: 429 }, retried],
    ['500', { status: 500 }, retried],
    ['503 {"error":0}', { status: 503 }, retried],
    ['a reset connection', 'reset' as const, retried],
    ['no answer in time', 'hang' as const, retried],
  ])('%s', async (_name, answer, { posts, forgotten }) => {
    await using host = await startHost()
    await using emulator = await startEmulator({ timings: { ...FAST, callbackTimeoutMs: 100 } })
    host.answer(({ body }) => (body?.status === 2 ? answer : OK))
    await editAndClose(host, emulator)
    await emulator.settled()
    expect(host.statuses()).toEqual([1, ...Array(posts).fill(2)])
    expect(emulator.forgotten.has('k')).toBe(forgotten)
    expect((await command(emulator.url, { c: 'info', key: 'k' })).error).toBe(forgotten ? 1 : 0)
    const urls = host.callbacks.map(({ body }) => body?.url).filter(Boolean)
    // The same file each time.
    expect(new Set(urls.map((url) => new URL(String(url)).pathname)).size).toBe(1)
    expect(await textAt(urls.at(-1))).toEqual(['edited', 'second'])
  })

  test('a redirect is followed as GET without body, whose answer counts', async () => {
    await using host = await startHost()
    await using emulator = await startEmulator({ timings: FAST })
    host.answer(({ method, body }) =>
      method === 'POST' && body?.status === 2 ? { status: 302, headers: { location: '/elsewhere' } } : OK,
    )
    await editAndClose(host, emulator)
    await emulator.settled()
    expect(host.callbacks.at(-1)).toMatchObject({ method: 'GET', url: '/elsewhere', raw: '' })
    expect(emulator.forgotten.size).toBe(0)
  })

  test('each attempt carries fresh signatures', async () => {
    await using host = await startHost()
    let seconds = 0
    const clock = () => new Date(Date.UTC(2026, 0, 1, 0, 0, seconds))
    await using emulator = await startEmulator({ timings: FAST, clock })
    const now = () => clock().getTime() / 1000
    refuse(host, 2, [
      () => {
        seconds += 10
        return { status: 503 }
      },
    ])
    const { token: _token, ...config } = documentAt(host, { key: 'k' })
    const editor = await emulator.open({
      ...config,
      token: sign(config, { secret: emulator.secret, now: clock() }),
    })
    editor.type(0, 'x')
    await editor.close()
    await emulator.settled()
    const expires = host.callbacks
      .filter(({ body }) => body?.status === 2)
      .map(({ body }) => Number(new URL(String(body?.url)).searchParams.get('expires')) - now())
    expect(expires).toEqual([890, 900])
  })

  test('a refused 3 keeps the edits, an acknowledged one destroys them', async () => {
    await using host = await startHost()
    await using emulator = await startEmulator({ timings: FAST })
    emulator.faults.converterFails(true, 2)
    host.answer(({ body }) => (body?.status === 3 && body.key === 'kept' ? { status: 422 } : OK))
    await editAndClose(host, emulator, 'kept')
    await editAndClose(host, emulator, 'lost')
    await emulator.settled()
    expect([...host.statuses('kept'), ...host.statuses('lost')]).toEqual([1, 3, 1, 3])

    const kept = await emulator.open(documentAt(host, { key: 'kept', user: 'bob' }))
    expect(kept.paragraphs()).toEqual(['edited', 'second'])
    await kept.close()
    await emulator.settled()
    // The last author is named and called, though another has left last.
    expect(host.last(2)).toMatchObject({ users: ['alice'], actions: [{ type: 0, userid: 'bob' }] })
    const lost = await emulator.open(documentAt(host, { key: 'lost' }))
    expect(lost.events.at(-1)?.name).toBe('onRequestRefreshFile')
    expect(emulator.forgotten.size).toBe(0)
  })

  test('without a callback url the file goes to the forgotten store', async () => {
    await using host = await startHost()
    await using emulator = await startEmulator({ timings: FAST })
    const config = documentAt(host, { key: 'k' })
    const { callbackUrl: _url, ...editorConfig } = config.editorConfig ?? {}
    const editor = await emulator.open(signed({ ...config, editorConfig }))
    editor.type(0, 'x')
    await editor.close()
    await emulator.settled()
    expect(emulator.forgotten.has('k')).toBe(true)
  })
})

describe('forced saves', () => {
  test('after one that was taken: 4, a notmodified 2, and 6 again after the next change', async () => {
    await using host = await startHost()
    await using emulator = await startEmulator({ timings: FAST })
    const editor = await emulator.open(documentAt(host, { key: 'k' }))
    const forcesave = async (userdata?: string) => {
      const { error } = await command(emulator.url, {
        c: 'forcesave',
        key: 'k',
        ...(userdata ? { userdata } : {}),
      })
      await emulator.settled()
      return error
    }
    expect(await forcesave()).toBe(4)
    editor.type(0, '1')
    expect(await forcesave('a')).toBe(0)
    expect(await forcesave('b')).toBe(4)
    editor.type(0, '2')
    expect(await forcesave('c')).toBe(0)
    expect(host.last(6)).toMatchObject({ userdata: 'c' })
    await editor.close()
    expect((await command(emulator.url, { c: 'forcesave', key: 'k' })).error).toBe(4)
    await emulator.settled()
    expect(host.statuses()).toEqual([1, 6, 6, 2])
    expect(host.last(2)).toMatchObject({ notmodified: true })
    expect((await command(emulator.url, { c: 'forcesave', key: 'k' })).error).toBe(4)
  })

  test('a refused one is not retried; the next command sends the same file with the first userdata', async () => {
    await using host = await startHost()
    await using emulator = await startEmulator({ timings: FAST })
    refuse(host, 6, [() => ({ status: 503 }), () => ({ status: 200, body: '{"error":1}' })])
    const editor = await emulator.open(documentAt(host, { key: 'k' }))
    editor.type(0, '1')
    await command(emulator.url, { c: 'forcesave', key: 'k', userdata: 'first' })
    await emulator.settled()
    expect(host.statuses()).toEqual([1, 6])
    await command(emulator.url, { c: 'forcesave', key: 'k', userdata: 'second' })
    // A repeated one is sent before its command is answered.
    expect(host.statuses()).toEqual([1, 6, 6])
    await command(emulator.url, { c: 'forcesave', key: 'k', userdata: 'third' })
    const sixes = host.callbacks.filter(({ body }) => body?.status === 6).map(({ body }) => body)
    expect(sixes.map((body) => body?.userdata)).toEqual(['first', 'first', 'first'])
    expect(new Set(sixes.map((body) => new URL(String(body?.url)).pathname)).size).toBe(1)
    await editor.close()
    await emulator.settled()
    expect(host.last(2)).toMatchObject({ notmodified: true })
  })

  test('after a 7 the command answers 3 once, then works again', async () => {
    await using host = await startHost()
    await using emulator = await startEmulator({ timings: FAST })
    emulator.faults.converterFails('k', 1)
    const editor = await emulator.open(documentAt(host, { key: 'k' }))
    editor.type(0, '1')
    const errors: unknown[] = []
    for (let round = 0; round < 3; round += 1) {
      errors.push((await command(emulator.url, { c: 'forcesave', key: 'k' })).error)
      await emulator.settled()
    }
    expect(errors).toEqual([0, 3, 0])
    expect(host.statuses()).toEqual([1, 7, 6])
  })

  test('the button asks the url of the one who pressed it; without customization.forcesave it asks nobody', async () => {
    await using host = await startHost()
    await using emulator = await startEmulator({ timings: FAST })
    const ann = await emulator.open(documentAt(host, { key: 'k', user: 'ann' }))
    const bob = await emulator.open(documentAt(host, { key: 'k', user: 'bob', forcesave: false }))
    bob.type(0, 'by bob')
    await bob.save()
    expect(host.statuses()).toEqual([1, 1])
    await ann.save()
    expect(host.callbacks.at(-1)?.url).toBe('/callback?user=ann')
    expect(host.last(6)).toMatchObject({
      users: ['bob'],
      actions: [{ type: 2, userid: 'ann' }],
      forcesavetype: 1,
    })
  })

  test('the url names the host by which the command came, and maybe another shard', async () => {
    await using host = await startHost()
    await using emulator = await startEmulator({ timings: FAST })
    const editor = await emulator.open(documentAt(host, { key: 'k' }))
    await emulator.open(documentAt(host, { key: 'other' }))
    editor.type(0, '1')
    await command(emulator.url.replace('127.0.0.1', 'localhost'), { c: 'forcesave', key: 'k' })
    await emulator.settled()
    const url = new URL(String(host.last(6).url))
    expect(url.hostname).toBe('localhost')
    expect(url.searchParams.get('shardkey')).toBe('other')
    expect(await textAt(url)).toEqual(['1', 'second'])
  })
})

describe('the forgotten store', () => {
  test('its file is opened instead of document.url, and saved again even without an edit', async () => {
    await using host = await startHost()
    await using emulator = await startEmulator({ timings: FAST })
    refuse(host, 2, [() => ({ status: 404 })])
    await editAndClose(host, emulator)
    await emulator.settled()
    expect(await command(emulator.url, { c: 'getForgottenList' })).toEqual({ error: 0, keys: ['k'] })
    const { url } = await command(emulator.url, { c: 'getForgotten', key: 'k' })
    expect(await textAt(url)).toEqual(['edited', 'second'])
    const head = await fetch(String(url), { method: 'HEAD' })
    expect(Number(head.headers.get('content-length'))).toBe(emulator.forgotten.get('k')?.bytes.length)
    expect(Date.parse(String(head.headers.get('last-modified')))).toBeGreaterThan(0)

    const downloads = host.downloads.length
    const editor = await emulator.open(documentAt(host, { key: 'k' }))
    expect(host.downloads).toHaveLength(downloads)
    expect(editor.paragraphs()).toEqual(['edited', 'second'])
    editor.type(1, 'more')
    await editor.close()
    await emulator.settled()
    const body = host.last(2)
    expect(body.history).toEqual({})
    expect(body).not.toHaveProperty('changesurl')
    expect(await textAt(body.url)).toEqual(['edited', 'more'])
    expect(emulator.forgotten.size).toBe(0)
  })

  test('deleted while it is open without an edit: 4; deleted before: document.url', async () => {
    await using host = await startHost()
    await using emulator = await startEmulator({ timings: FAST })
    const file = { bytes: docx('forgotten'), fileType: 'docx', storedAt: new Date() }
    emulator.forgotten.set('k', file)
    const editor = await emulator.open(documentAt(host, { key: 'k' }))
    expect(editor.paragraphs()).toEqual(['forgotten'])
    expect(await command(emulator.url, { c: 'deleteForgotten', key: 'k' })).toEqual({ key: 'k', error: 0 })
    await editor.close()
    await emulator.settled()
    expect(host.statuses()).toEqual([1, 4])

    emulator.forgotten.set('k2', file)
    await command(emulator.url, { c: 'deleteForgotten', key: 'k2' })
    expect((await emulator.open(documentAt(host, { key: 'k2' }))).paragraphs()).toEqual(['first', 'second'])
  })
})
