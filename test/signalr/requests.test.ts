import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { Refusal } from '../../src/signalr/refusal.ts'
import {
  bearer,
  HANDSHAKE,
  invocation,
  negotiate,
  openSocket,
  SEPARATOR,
  startHub,
  startPolling,
  type TestHub,
} from './support.ts'

/** The answer to a WebSocket that is refused. */
async function refusedUpgrade(hub: TestHub, query: string, headers: Record<string, string> = bearer()) {
  const socket = new WebSocket(`${hub.url.replace('http', 'ws')}${query}`, { headers })
  const refusal = once(socket, 'unexpected-response')
  const [, response] = await refusal
  response.resume()
  return response.statusCode
}

test('negotiation names all transports; without version 1 it is refused with a text', async () => {
  await using hub = await startHub()
  const post = (query: string) =>
    fetch(`${hub.url}/negotiate${query}`, { method: 'POST', headers: bearer() }).then((answer) =>
      answer.json(),
    )
  expect(await post('?negotiateVersion=1&useStatefulReconnect=true')).toEqual({
    negotiateVersion: 1,
    connectionId: expect.any(String),
    connectionToken: expect.any(String),
    availableTransports: [
      { transport: 'WebSockets', transferFormats: ['Text', 'Binary'] },
      { transport: 'ServerSentEvents', transferFormats: ['Text'] },
      { transport: 'LongPolling', transferFormats: ['Text', 'Binary'] },
    ],
  })
  const old = "The client requested version '0', but the server does not support this version."
  expect(await post('')).toEqual({ error: old })
  expect(await post('?negotiateVersion=0')).toEqual({ error: old })
  expect(await post('?negotiateVersion=x')).toEqual({
    error: "The client requested an invalid protocol version 'x'",
  })
})

test('other methods, unknown ids and missing ones have their statuses', async () => {
  await using hub = await startHub()
  const status = async (method: string, path: string) =>
    (await fetch(hub.url + path, { method, headers: bearer() })).status
  expect(await status('GET', '/negotiate')).toBe(405)
  expect(await status('PUT', '?id=x')).toBe(405)
  expect(await status('OPTIONS', '')).toBe(405)
  expect(await status('GET', '/other')).toBe(404)
  for (const method of ['GET', 'POST', 'DELETE']) {
    expect(await status(method, '?id=unknown')).toBe(404)
    expect(await status(method, '')).toBe(400)
  }
  const { connectionToken } = await negotiate(hub)
  expect(await status('POST', `?id=${connectionToken}`)).toBe(400)
  await openSocket(hub, { id: connectionToken })
  expect(await status('POST', `?id=${connectionToken}`)).toBe(405)
  expect(await status('DELETE', `?id=${connectionToken}`)).toBe(400)
  expect(await status('GET', `?id=${connectionToken}`)).toBe(400)
  expect(await refusedUpgrade(hub, `?id=${connectionToken}`)).toBe(409)
  expect(await refusedUpgrade(hub, '?id=unknown')).toBe(404)
})

test('a second stream of events is refused, the first goes on', async () => {
  await using hub = await startHub()
  const { connectionToken } = await negotiate(hub)
  const address = `${hub.url}?id=${connectionToken}&access_token=ann`
  const open = () => fetch(address, { headers: { Accept: 'text/event-stream' } })
  const stream = await open()
  expect(Object.fromEntries(stream.headers)).toMatchObject({
    'content-type': 'text/event-stream',
    'cache-control': 'no-cache, no-store',
    'content-encoding': 'identity',
  })
  expect((await open()).status).toBe(409)
  const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader()
  expect((await reader?.read())?.value).toBe(':\r\n')
  const binary = `{"protocol":"messagepack","version":1}${SEPARATOR}`
  expect((await fetch(address, { method: 'POST', body: binary })).status).toBe(200)
  expect((await reader?.read())?.value).toMatch(/^data: \{"error":"Cannot use the 'messagepack' protocol/)
})

test('everybody presents a token, in the header or in the address', async () => {
  await using hub = await startHub()
  const post = (query: string, headers = {}) =>
    fetch(`${hub.url}/negotiate?negotiateVersion=1${query}`, { method: 'POST', headers })
  const refused = await post('')
  expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
  expect((await post('&access_token=ann')).status).toBe(200)
  expect((await post('', bearer())).status).toBe(200)
  expect(await refusedUpgrade(hub, '', {})).toBe(401)
})

test('what authentication refuses is answered with its status and text, what it breaks on is not told', async () => {
  let error: Error = new Refusal(429, 'slower, please', { 'Retry-After': '7' })
  await using hub = await startHub({ authenticate: () => Promise.reject(error) })
  const post = () => fetch(`${hub.url}/negotiate?negotiateVersion=1`, { method: 'POST' })
  const limited = await post()
  expect([limited.status, limited.headers.get('retry-after'), await limited.text()]).toEqual([
    429,
    '7',
    'slower, please',
  ])
  error = new Error('secret detail')
  const broken = await post()
  expect([broken.status, await broken.text()]).toEqual([500, 'Something went wrong on our side'])
  expect(await refusedUpgrade(hub, '')).toBe(500)
  expect(hub.errors).toEqual([error, error])
})

test('a connection belongs to its client: others may not use it, and a revoked token ends that', async () => {
  await using hub = await startHub()
  const { connectionToken } = await negotiate(hub)
  expect(await refusedUpgrade(hub, `?id=${connectionToken}`, bearer('eve'))).toBe(403)
  const ann = await startPolling(hub)
  expect((await ann.post(invocation('Note', [1]), 'eve')).status).toBe(403)
  expect((await ann.post(invocation('Note', [2]))).status).toBe(200)
  hub.revoked.add('ann')
  expect((await ann.post(invocation('Note', [3]))).status).toBe(401)
  expect((await ann.poll()).status).toBe(401)
  expect(hub.calls).toEqual(['2'])
})

test('browsers of allowed origins may call with credentials, others may not', async () => {
  await using hub = await startHub({ origins: ['https://here.example'] })
  const ask = async (origin: string, method = 'OPTIONS') => {
    const response = await new Promise<import('node:http').IncomingMessage>((resolve) => {
      const headers = { ...bearer(), Origin: origin, 'Access-Control-Request-Method': 'POST' }
      httpRequest(`${hub.url}/negotiate?negotiateVersion=1`, { method, headers }, resolve).end()
    })
    response.resume()
    return response
  }
  const preflight = await ask('https://here.example')
  expect(preflight.statusCode).toBe(204)
  expect(preflight.headers).toMatchObject({
    'access-control-allow-origin': 'https://here.example',
    'access-control-allow-credentials': 'true',
    'access-control-allow-methods': 'GET, POST, DELETE',
    'access-control-allow-headers': 'Authorization, Content-Type, X-Requested-With, X-SignalR-User-Agent',
    vary: 'Origin',
  })
  const posted = await ask('https://here.example', 'POST')
  expect(posted.headers['access-control-allow-origin']).toBe('https://here.example')
  expect((await ask('https://there.example')).headers).not.toHaveProperty('access-control-allow-origin')
  expect(await refusedUpgrade(hub, '', { ...bearer(), Origin: 'https://there.example' })).toBe(403)
})

test('nothing configured, every origin may call with a token of its own', async () => {
  await using hub = await startHub()
  const answer = await fetch(`${hub.url}/negotiate?negotiateVersion=1`, {
    method: 'POST',
    headers: { ...bearer(), Origin: 'https://there.example' },
  })
  expect(answer.headers.get('access-control-allow-origin')).toBe('https://there.example')
})

test('beyond the greatest number of connections negotiation and sockets are refused until one ends', async () => {
  await using hub = await startHub({ limits: { mostConnections: 1 } })
  const ann = await openSocket(hub)
  const post = () => fetch(`${hub.url}/negotiate?negotiateVersion=1`, { method: 'POST', headers: bearer() })
  expect((await post()).status).toBe(503)
  expect(await refusedUpgrade(hub, '')).toBe(503)
  ann.socket.close()
  await hub.untilDisconnected(1)
  expect((await post()).status).toBe(200)
})

test('one client has so many connections and no more, abandoned negotiations among them', async () => {
  await using hub = await startHub({
    limits: { mostConnectionsPerClient: 2 },
    times: { abandonedMs: 2000 },
  })
  const post = (token: string) =>
    fetch(`${hub.url}/negotiate?negotiateVersion=1`, { method: 'POST', headers: bearer(token) })
  expect((await post('ann')).status).toBe(200)
  const ann = await openSocket(hub)
  const refused = await post('ann')
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '5'])
  expect(await refusedUpgrade(hub, '')).toBe(429)
  expect((await post('bob')).status).toBe(200)
  ann.socket.close()
  await hub.untilDisconnected(1)
  expect((await post('ann')).status).toBe(200)
  expect((await post('ann')).status).toBe(429)
  // The abandoned one is forgotten.
  while ((await post('ann')).status === 429) await new Promise((resolve) => setTimeout(resolve, 20))
})

test('negotiations take from the rate of their client', async () => {
  await using hub = await startHub({ limits: { clientMessagesPerS: 3 } })
  const post = (token: string) =>
    fetch(`${hub.url}/negotiate?negotiateVersion=1`, { method: 'POST', headers: bearer(token) })
  const answers = await Promise.all(Array.from({ length: 20 }, () => post('ann')))
  const refused = answers.filter(({ status }) => status === 429)
  expect(refused.length).toBeGreaterThan(0)
  expect(refused[0]?.headers.get('retry-after')).toBe('1')
  expect((await post('bob')).status).toBe(200)
  while ((await post('ann')).status !== 200) await new Promise((resolve) => setTimeout(resolve, 20))
})

test('a body beyond the limit is 413 and ends its connection, told or found out on the way', async () => {
  await using hub = await startHub()
  for (const isTold of [true, false]) {
    const ann = await startPolling(hub)
    const body = 'x'.repeat(300_000)
    const answer = await fetch(ann.address, {
      method: 'POST',
      headers: ann.headers,
      ...(isTold ? { body } : { body: new Blob([body]).stream(), duplex: 'half' }),
    } as RequestInit)
    expect(answer.status).toBe(413)
    expect(await (await ann.poll()).text()).toContain('"error":"Connection closed with an error."')
    expect((await ann.poll()).status).toBe(204)
  }
  await hub.untilDisconnected(2)
})

test('a body that comes too slowly is given up, and nothing of it counts', async () => {
  await using hub = await startHub({ times: { bodyMs: 30 } })
  const ann = await startPolling(hub)
  const socket = connect(hub.port, '127.0.0.1')
  socket.write(
    `POST ${new URL(ann.address).pathname}${new URL(ann.address).search} HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer ann\r\nContent-Length: 1000\r\n\r\n${invocation('Note', ['half'])}`,
  )
  const [data] = await once(socket, 'data')
  expect(String(data)).toMatch(/^HTTP\/1.1 408 /)
  await once(socket, 'close')
  expect((await ann.post(invocation('Note', ['whole']))).status).toBe(200)
  expect(hub.calls).toEqual(['whole'])
})

test('a client that goes away while it is authenticated harms nobody', async () => {
  const gate = Promise.withResolvers<void>()
  const asked = Promise.withResolvers<void>()
  await using hub = await startHub({
    async authenticate() {
      asked.resolve()
      await gate.promise
      return { name: 'ann' }
    },
  })
  const socket = new WebSocket(hub.url.replace('http', 'ws'))
  socket.on('error', () => {})
  const closed = new Promise((resolve) => socket.once('close', resolve))
  await asked.promise
  hub.cut()
  await closed
  gate.resolve()
  const ann = await openSocket(hub, { handshake: HANDSHAKE })
  ann.invoke('Echo', [1], '1')
  expect(await ann.read()).toMatchObject({ result: [1] })
})
