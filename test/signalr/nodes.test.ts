import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { HttpTransportType } from '@microsoft/signalr'
import { expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { bearer, negotiate, official, openSocket, startHub, startPolling, type TestHub } from './support.ts'

/** Nodes of one installation. */
async function startNodes(options: Parameters<typeof startHub>[0] = {}) {
  const connectionKey = randomBytes(32)
  return [
    await startHub({ connectionKey, ...options }),
    await startHub({ connectionKey, ...options }),
  ] as const
}

async function refusal(hub: TestHub, id: string, token = 'ann'): Promise<[number, string]> {
  const socket = new WebSocket(`${hub.url.replace('http', 'ws')}?id=${id}`, { headers: bearer(token) })
  const [, response] = await once(socket, 'unexpected-response')
  const text: Buffer[] = []
  for await (const bytes of response) text.push(bytes)
  return [response.statusCode, Buffer.concat(text).toString()]
}

test('a WebSocket connects to another node than it was negotiated on, under the same id', async () => {
  await using nodes = await stack()
  const [one, other] = await nodes.start()
  const { connectionId, connectionToken } = await negotiate(one)

  const socket = await openSocket(other, { id: connectionToken })

  socket.invoke('WhoAmI', [], '1')
  expect(await socket.read()).toMatchObject({ result: 'ann' })
  expect([...other.server.connections()].map(({ id }) => id)).toEqual([connectionId])
})

test('a token opens one connection on a node: not a second one, and none after it', async () => {
  await using nodes = await stack()
  const [one, other] = await nodes.start()
  const { connectionToken } = await negotiate(one)
  const socket = await openSocket(other, { id: connectionToken })
  expect((await refusal(other, connectionToken))[0]).toBe(409)
  socket.socket.close()
  await other.untilDisconnected(1)
  expect(await refusal(other, connectionToken)).toEqual([404, 'No Connection with that ID'])
  const own = await openSocket(one, { id: connectionToken })
  own.socket.close()
  await one.untilDisconnected(1)
  expect(await refusal(one, connectionToken)).toEqual([404, 'No Connection with that ID'])
})

test('a token of another client, another installation, or one that was changed is unknown', async () => {
  await using nodes = await stack()
  const [one, other] = await nodes.start()
  const [strange] = await nodes.start()
  const { connectionToken } = await negotiate(one)
  const unknown = [404, 'No Connection with that ID']
  expect(await refusal(other, connectionToken, 'eve')).toEqual(unknown)
  expect(await refusal(strange, connectionToken)).toEqual(unknown)
  const parts = connectionToken.split('.')
  for (const [at, part] of parts.entries()) {
    const changed = parts.with(at, `${part.startsWith('a') ? 'b' : 'a'}${part.slice(1)}`).join('.')
    expect(await refusal(other, changed)).toEqual(unknown)
  }
  await openSocket(other, { id: connectionToken })
})

test('a token ends after a minute', async () => {
  await using nodes = await stack()
  const [one, other] = await nodes.start()
  const { connectionToken } = await negotiate(one)
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 61_000 })
  try {
    expect(await refusal(other, connectionToken)).toEqual([404, 'No Connection with that ID'])
  } finally {
    vi.useRealTimers()
  }
})

test('requests that belong to one node are told so by another one', async () => {
  await using nodes = await stack()
  const [one, other] = await nodes.start()
  const { connectionToken } = await negotiate(one)
  const address = `${other.url}?id=${connectionToken}`
  for (const [method, accept] of [
    ['GET', 'text/event-stream'],
    ['GET', '*/*'],
    ['POST', '*/*'],
    ['DELETE', '*/*'],
  ] as const) {
    const answer = await fetch(address, { method, headers: { ...bearer(), accept } })
    expect([answer.status, await answer.text()]).toEqual([404, expect.stringContaining('another node')])
  }
  const polling = await startPolling(one)
  expect((await fetch(polling.address.replace(one.url, other.url), { headers: bearer() })).status).toBe(404)
})

test('adopted connections count among those of their client, and take from its rate', async () => {
  await using nodes = await stack()
  const [one, other] = await nodes.start({ limits: { mostConnectionsPerClient: 2 } })
  const tokens = [await negotiate(one), await negotiate(one)].map(({ connectionToken }) => connectionToken)
  await openSocket(other)
  await openSocket(other, { id: tokens[0] ?? '' })
  expect((await refusal(other, tokens[1] ?? ''))[0]).toBe(429)
})

test('the official client reaches two nodes by turns', async () => {
  await using nodes = await stack()
  const [one, other] = await nodes.start()
  // Negotiation goes to one node, the socket to the other.
  const redirected = {
    WebSocket: class extends WebSocket {
      constructor(url: string, protocols?: string | string[], options?: object) {
        super(url.replace(String(one.port), String(other.port)), protocols, options)
      }
    },
  }
  const client = official(one, { transport: HttpTransportType.WebSockets, ...redirected }).build()
  await client.start()
  expect(await client.invoke('WhoAmI')).toBe('ann')
  expect([...other.server.connections()].map(({ id }) => id)).toEqual([client.connectionId])
  await client.stop()
})

/** Nodes that end with the test. */
async function stack() {
  const started = new AsyncDisposableStack()
  return {
    async start(options?: Parameters<typeof startHub>[0]) {
      const nodes = await startNodes(options)
      for (const node of nodes) started.use(node)
      return nodes
    },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  }
}
