import { get } from 'node:http'
import { gunzipSync } from 'node:zlib'
import jwt from 'jsonwebtoken'
import { expect, test } from 'vitest'
import type { FileFault } from '../../src/emulator/faults.ts'
import { DEVELOPMENT_SECRET, startEmulator } from '../../src/emulator/start.ts'
import { command, documentAt, FAST, startHost } from './host.ts'

const BYTES = Buffer.alloc(1000, 'x')

/** The raw answer, as far as it comes within a moment. */
function download(url: string) {
  return new Promise<{
    status: number
    headers: NodeJS.Dict<string | string[]>
    body: Buffer
    outcome: string
  }>((resolve) => {
    const request = get(url, { agent: false }, (response) => {
      const chunks: Buffer[] = []
      const finish = (outcome: string) => {
        clearTimeout(timer)
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks),
          outcome,
        })
        request.destroy()
      }
      const timer = setTimeout(() => finish('waits'), 300)
      response.on('data', (chunk) => chunks.push(chunk))
      response.on('end', () => finish('complete'))
      response.on('error', () => finish('broken'))
    })
    request.on('error', () => resolve({ status: 0, headers: {}, body: Buffer.alloc(0), outcome: 'broken' }))
  })
}

test.each<[FileFault, object]>([
  [
    { kind: 'truncate', bytes: 400 },
    { status: 200, outcome: 'broken', length: 400, announced: '1000' },
  ],
  [
    { kind: 'stall', bytes: 10 },
    { status: 200, outcome: 'waits', length: 10, announced: '1000' },
  ],
  [{ kind: 'wrongLength', by: -10 }, { outcome: 'broken' }],
  [
    { kind: 'wrongLength', by: 10 },
    { status: 200, outcome: 'broken', length: 1000, announced: '1010' },
  ],
  [
    { kind: 'status', status: 410 },
    { status: 410, outcome: 'complete', length: 0 },
  ],
  [{ kind: 'empty' }, { status: 200, outcome: 'complete', length: 0, announced: '0' }],
  [
    { kind: 'bytes', bytes: Buffer.from('<html>') },
    { status: 200, outcome: 'complete', length: 6 },
  ],
  [
    { kind: 'slow', bytesPerSecond: 100 },
    { status: 200, outcome: 'waits' },
  ],
  [
    { kind: 'redirect', location: 'http://127.0.0.1:1/' },
    { status: 302, location: 'http://127.0.0.1:1/' },
  ],
])('a download with %o, once', async (fault, expected) => {
  await using emulator = await startEmulator()
  emulator.faults.files(fault)
  const url = emulator.fileUrl(BYTES)
  const { status, outcome, body, headers } = await download(url)
  const got = {
    status,
    outcome,
    length: body.length,
    announced: headers['content-length'],
    location: headers.location,
  }
  expect(got).toMatchObject(expected)
  expect((await download(url)).body).toEqual(BYTES)
})

test('an endless download and a gzip bomb', async () => {
  await using emulator = await startEmulator()
  emulator.faults.files({ kind: 'endless' })
  const endless = await download(emulator.fileUrl(BYTES))
  expect(endless.outcome).toBe('waits')
  expect(endless.body.length).toBeGreaterThan(1_000_000)
  emulator.faults.files({ kind: 'gzipBomb', unpackedBytes: 5_000_000 })
  const bomb = await download(emulator.fileUrl(BYTES))
  expect(bomb.headers['content-encoding']).toBe('gzip')
  expect(bomb.body.length).toBeLessThan(20_000)
  expect(gunzipSync(bomb.body)).toHaveLength(5_000_000)
})

test('faults last as often as armed, until cleared, and changes.zip has its own', async () => {
  await using host = await startHost()
  await using emulator = await startEmulator({ timings: FAST })
  const editor = await emulator.open(documentAt(host))
  editor.type(0, '1')
  await editor.save()
  const { url, changesurl } = host.last(6)
  const statuses = async (address: unknown, times: number) => {
    const got: number[] = []
    for (let n = 0; n < times; n += 1) got.push((await download(String(address))).status)
    return got
  }
  emulator.faults.files({ kind: 'status', status: 500 }, 2)
  emulator.faults.changes({ kind: 'status', status: 404 }, Number.POSITIVE_INFINITY)
  expect(await statuses(url, 3)).toEqual([500, 500, 200])
  expect(await statuses(changesurl, 3)).toEqual([404, 404, 404])
  emulator.faults.clear()
  expect(await statuses(changesurl, 1)).toEqual([200])
})

test('an address with a wrong signature is 403, an old one 410, an unknown file 404', async () => {
  let seconds = 0
  await using emulator = await startEmulator({ clock: () => new Date(Date.UTC(2026, 0, 1, 0, 0, seconds)) })
  const url = emulator.fileUrl(BYTES, 'with space.docx')
  const status = async (address: string) => (await download(address)).status
  expect(await status(url)).toBe(200)
  expect(await status(url.replace(/md5=[^&]+/, 'md5=AAAAAAAAAAAAAAAAAAAAAA'))).toBe(403)
  expect(await status(url.replace(/expires=\d+/, 'expires=9999999999'))).toBe(403)
  expect(await status(url.replace(/\?.*/, ''))).toBe(403)
  seconds = 900
  expect(await status(url)).toBe(200)
  seconds = 901
  expect(await status(url)).toBe(410)
})

test('served files need no signature, and are made to fail like others', async () => {
  await using emulator = await startEmulator()
  const recorded = 'http://127.0.0.1:8080/cache/files/data/k_1/output.docx/output.docx?md5=Zg&expires=1'
  emulator.serveFile(recorded, BYTES)
  const url = recorded.replace('http://127.0.0.1:8080', emulator.url)
  emulator.faults.files({ kind: 'status', status: 500 })
  expect((await download(url)).status).toBe(500)
  expect((await download(url)).body).toEqual(BYTES)
})

test('callbacks can come twice, late, after the final one, or not at all', async () => {
  await using host = await startHost()
  await using emulator = await startEmulator({ timings: FAST })
  const run = async (key: string, arm: () => void) => {
    arm()
    const editor = await emulator.open(documentAt(host, { key }))
    editor.type(0, '1')
    await command(emulator.url, { c: 'forcesave', key })
    await editor.close()
    await emulator.settled()
    return host.statuses(key)
  }
  expect(await run('twice', () => emulator.faults.callbacks({ kind: 'duplicate', status: 2 }))).toEqual([
    1, 6, 2, 2,
  ])
  expect(await run('held', () => emulator.faults.callbacks({ kind: 'holdUntilFinal', status: 6 }))).toEqual([
    1, 2, 6,
  ])
  expect(
    await run('late', () => emulator.faults.callbacks({ kind: 'delay', ms: 200, status: 6, key: 'late' })),
  ).toEqual([1, 2, 6])
  expect(await run('never', () => emulator.faults.callbacks({ kind: 'drop', status: 6 }))).toEqual([1, 2])
})

test('the command service and the health check can fail', async () => {
  await using emulator = await startEmulator()
  emulator.faults.command({ kind: 'answer', error: 3, c: 'info' })
  expect(await command(emulator.url, { c: 'getForgottenList' })).toEqual({ error: 0, keys: [] })
  expect(await command(emulator.url, { c: 'info', key: 'k' })).toEqual({ key: 'k', error: 3 })
  emulator.faults.command({ kind: 'status', status: 502 })
  await expect(command(emulator.url, { c: 'version' })).rejects.toThrow('502')
  emulator.faults.command({ kind: 'hang' })
  const token = jwt.sign({ c: 'version' }, DEVELOPMENT_SECRET)
  const hanging = fetch(`${emulator.url}/command`, {
    method: 'POST',
    body: JSON.stringify({ token }),
    signal: AbortSignal.timeout(100),
  })
  await expect(hanging).rejects.toThrow()
  const health = async () => {
    const response = await fetch(`${emulator.url}/healthcheck`)
    return [response.status, await response.text()]
  }
  emulator.faults.healthcheck()
  expect(await health()).toEqual([200, 'false'])
  emulator.faults.clear()
  emulator.faults.healthcheck({ kind: 'status', status: 500 }, 1)
  expect(await health()).toEqual([500, ''])
  expect(await health()).toEqual([200, 'true'])
})

test('a hand-made callback is signed twice, or as told', async () => {
  await using host = await startHost()
  await using emulator = await startEmulator()
  host.answer(() => ({ status: 418, body: 'short and stout' }))
  const callbackUrl = `${host.url}/callback`
  const send = async (options: Parameters<typeof emulator.sendCallback>[2]) => {
    const answer = await emulator.sendCallback('k', { status: 4 }, { callbackUrl, ...options })
    expect(answer).toEqual({ status: 418, body: 'short and stout' })
    const last = host.callbacks.at(-1)
    return { body: last?.body, authorization: last?.headers.authorization }
  }
  const both = await send({})
  expect(jwt.verify(String(both.body?.token), DEVELOPMENT_SECRET)).toMatchObject({ key: 'k', status: 4 })
  const header = String(both.authorization).slice('Bearer '.length)
  expect(jwt.verify(header, DEVELOPMENT_SECRET)).toMatchObject({ payload: { key: 'k', status: 4 } })
  expect(await send({ header: false, bodyToken: false })).toEqual({
    body: { key: 'k', status: 4 },
    authorization: undefined,
  })
  expect(await send({ header: 'JWT x', bodyToken: 'y', plain: { status: 2 } })).toEqual({
    body: { status: 2, token: 'y' },
    authorization: 'JWT x',
  })
  const odd = await send({
    algorithm: 'HS512',
    secret: 'another-secret-0123456789abcdef0123',
    expiresInS: -10,
  })
  const decoded = jwt.decode(String(odd.body?.token), { complete: true })
  expect(decoded?.header.alg).toBe('HS512')
  const { iat, exp } = jwt.decode(String(odd.body?.token)) as { iat: number; exp: number }
  expect(exp - iat).toBe(-10)
})

test('a header that would be too long loses changesurl and history; the body token keeps them', async () => {
  await using host = await startHost()
  await using emulator = await startEmulator({ timings: FAST })
  const authors = await Promise.all(
    Array.from({ length: 40 }, (_, n) => emulator.open(documentAt(host, { key: 'k', user: `user-${n}` }))),
  )
  for (const author of authors) author.type(0, 'x')
  for (const author of authors) await author.close()
  await emulator.settled()
  const { token, ...plain } = host.last(2)
  expect(plain).not.toHaveProperty('history')
  expect(plain).not.toHaveProperty('changesurl')
  const header = String(host.callbacks.at(-1)?.headers.authorization)
  expect(header.length).toBeLessThan(7168)
  expect(jwt.decode(header.slice('Bearer '.length))).toMatchObject({ payload: plain })
  const full = jwt.verify(String(token), DEVELOPMENT_SECRET) as {
    history: { changes: unknown[] }
    changesurl: string
  }
  expect(full.history.changes).toHaveLength(40)
  expect((await download(full.changesurl)).status).toBe(200)
})

test('without outbox tokens nothing is signed', async () => {
  await using host = await startHost()
  await using emulator = await startEmulator({ timings: FAST, callbackTokens: false })
  await emulator.open(documentAt(host))
  expect(host.callbacks[0]?.body).not.toHaveProperty('token')
  expect(host.callbacks[0]?.headers.authorization).toBeUndefined()
  expect(host.downloads[0]?.headers.authorization).toBeUndefined()
})
