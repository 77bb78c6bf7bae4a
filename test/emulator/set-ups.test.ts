import jwt from 'jsonwebtoken'
import { expect, test } from 'vitest'
import { DEVELOPMENT_SECRET, startEmulator } from '../../src/emulator/start.ts'
import { documentAt, FAST, startHost } from './host.ts'

const sign = (payload: object) => jwt.sign(payload, DEVELOPMENT_SECRET, { expiresIn: 300 })

async function post(url: string, body: object, headers: Record<string, string> = {}) {
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
  return { date: response.headers.get('date'), answer: (await response.json()) as Record<string, unknown> }
}

let keys = 0

async function converted(emulator: { url: string }, url: string) {
  keys += 1
  const order = { url, filetype: 'csv', outputtype: 'txt', key: `set-up-${keys}` }
  const { answer } = await post(`${emulator.url}/converter`, { token: sign(order) })
  return answer
}

test('tokens are looked for, and sent, in the header that is set', async () => {
  await using host = await startHost()
  await using emulator = await startEmulator({ jwtHeader: 'X-Docs-Token', timings: FAST })
  const command = `${emulator.url}/command`
  const authorization = `Bearer ${sign({ payload: { c: 'version' } })}`
  expect((await post(command, {}, { authorization })).answer).toEqual({ error: 6 })
  expect((await post(command, {}, { 'x-docs-token': authorization })).answer).toMatchObject({ error: 0 })

  await emulator.open(documentAt(host, { key: 'header' }))
  for (const { headers } of [host.downloads[0], host.callbacks[0]].filter((one) => one !== undefined)) {
    expect(headers.authorization).toBeUndefined()
    expect(headers['x-docs-token']).toMatch(/^Bearer eyJ/)
  }
  expect([host.downloads.length, host.callbacks.length]).toEqual([1, 1])
})

test('with inbox tokens off what stands in the body counts', async () => {
  await using emulator = await startEmulator({ inboxTokens: false })
  expect((await post(`${emulator.url}/command`, { c: 'version' })).answer).toMatchObject({ error: 0 })
})

test('private addresses are refused when it is told to, and others are fetched as before', async () => {
  await using host = await startHost()
  host.files.set('/files/a.csv', Buffer.from('a,b'))
  await using emulator = await startEmulator({ refusesPrivateAddresses: true, timings: FAST })
  expect(await converted(emulator, `${host.url}/files/a.csv`)).toEqual({ error: -4 })
  expect(host.downloads).toEqual([])
  await using usual = await startEmulator({ timings: FAST })
  expect(await converted(usual, `${host.url}/files/a.csv`)).toMatchObject({ endConvert: true })
})

test('in a container localhost is its own: nothing but its service answers there', async () => {
  await using host = await startHost()
  host.files.set('/files/a.txt', Buffer.from('a'))
  await using emulator = await startEmulator({ isContained: true, timings: FAST })
  expect(await converted(emulator, `${host.url}/files/a.txt`)).toEqual({ error: -4 })
  expect(await converted(emulator, 'http://localhost:8000/healthcheck')).toMatchObject({ endConvert: true })
  expect(host.downloads).toEqual([])
})

test('a file above the size limit is error -10, and is asked for once', async () => {
  await using host = await startHost()
  host.files.set('/files/a.csv', Buffer.alloc(1001, 'a'))
  host.files.set('/files/b.csv', Buffer.alloc(1000, 'b'))
  await using emulator = await startEmulator({ maxDownloadBytes: 1000, timings: FAST })
  expect(await converted(emulator, `${host.url}/files/a.csv`)).toEqual({ error: -10 })
  expect(host.downloads).toHaveLength(1)
  expect(await converted(emulator, `${host.url}/files/b.csv`)).toMatchObject({ endConvert: true })
})

test('answers carry the time of its clock', async () => {
  const now = new Date('2026-03-04T05:06:07Z')
  await using emulator = await startEmulator({ clock: () => now })
  const { date } = await post(`${emulator.url}/command`, {})
  expect(date).toBe(now.toUTCString())
})

test('its license can be changed', async () => {
  await using emulator = await startEmulator()
  emulator.license.server.resultType = 2
  const { answer } = await post(`${emulator.url}/command`, { token: sign({ c: 'license' }) })
  expect(answer).toMatchObject({ error: 0, server: { resultType: 2 } })
})

test('the page of its editor lies where Document Server has it, and may be framed', async () => {
  await using emulator = await startEmulator()
  const response = await fetch(`${emulator.url}/web-apps/apps/documenteditor/main/index.html`)
  expect([response.status, response.headers.get('content-security-policy')]).toEqual([
    200,
    expect.stringContaining('frame-ancestors *'),
  ])
})
