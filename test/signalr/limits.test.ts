import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { HubEvent } from '../../src/signalr/hub-event.ts'
import { bearer, invocation, negotiate, openSocket, SEPARATOR, startHub, startPolling } from './support.ts'

test('a flood is slowed down and loses nothing, while others are served', async () => {
  await using hub = await startHub({ limits: { messagesPerS: 200 } })
  const [ann, bob] = [await openSocket(hub), await openSocket(hub, { token: 'bob' })]
  const padding = 'x'.repeat(50_000)
  for (let at = 0; at < 700; at += 1) ann.invoke('Note', [at, padding])
  ann.invoke('Echo', ['end'], 'end')
  const end = ann.read()
  for (let at = 0; hub.calls.length < 400; at += 1) {
    bob.invoke('Echo', [at], '1')
    expect(await bob.read()).toMatchObject({ result: [at] })
  }
  // What is left is more than systems buffer: it is still where it comes from, not in the server.
  expect(ann.socket.bufferedAmount).toBeGreaterThan(0)
  expect(await end).toMatchObject({ invocationId: 'end' })
  expect(hub.calls).toEqual(Array.from({ length: 700 }, (_, at) => String(at)))
})

test('all connections of a client share a rate; other clients do not', async () => {
  await using hub = await startHub({ limits: { clientMessagesPerS: 100 } })
  const [one, two] = [await openSocket(hub), await openSocket(hub)]
  const bob = await openSocket(hub, { token: 'bob' })
  for (const socket of [one, two]) {
    for (let at = 0; at < 75; at += 1) socket.invoke('Note', [at])
    socket.invoke('Echo', ['end'], 'end')
  }
  bob.invoke('Echo', [1], '1')
  expect(await bob.read()).toMatchObject({ result: [1] })
  // 152 messages, 100 of them at once: alone each of the two would be through.
  expect(hub.calls.length).toBeLessThan(150)
  await Promise.all([one.read(), two.read()])
  expect(hub.calls).toHaveLength(150)
})

test('a request over the rate is answered later', async () => {
  await using hub = await startHub({ limits: { messagesPerS: 20 } })
  const ann = await startPolling(hub)
  const padding = 'x'.repeat(10_000)
  const message = (at: number) => invocation('Note', [at, padding])
  await ann.post(Array.from({ length: 10 }, (_, at) => message(at)).join(''))
  await ann.post(Array.from({ length: 12 }, (_, at) => message(10 + at)).join(''))
  const held = ann.post(Array.from({ length: 15 }, (_, at) => message(22 + at)).join(''))
  expect((await held).status).toBe(200)
  // All but what may wait.
  expect(hub.calls.length).toBeGreaterThanOrEqual(30)
})

test('whoever does not read is dropped, the others go on', async () => {
  await using hub = await startHub()
  const [slow, bob, eve] = [
    await openSocket(hub, { token: 'slow' }),
    await openSocket(hub, { token: 'bob' }),
    await openSocket(hub, { token: 'eve' }),
  ]
  for (const one of [slow, bob]) one.invoke('Join', [], '1')
  await Promise.all([slow.read(), bob.read()])
  slow.socket.pause()
  const text = 'x'.repeat(50_000)
  for (let at = 0; hub.disconnected.length === 0; at += 1) {
    eve.invoke('Tell', [at, text])
    expect(await bob.read()).toMatchObject({ arguments: [at, text] })
  }
  expect(hub.room.size).toBe(1)
  slow.socket.resume()
  expect(await slow.closed).toBe(1006)
})

test.each(['text/event-stream', '*/*'])('whoever does not read %s is dropped', async (accept) => {
  await using hub = await startHub()
  const { connectionToken } = await negotiate(hub, 'slow')
  const address = `${hub.url}?id=${connectionToken}`
  const socket = connect(hub.port, '127.0.0.1')
  const get = `GET /hub?id=${connectionToken} HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer slow\r\nAccept: ${accept}\r\n\r\n`
  socket.on('error', () => {})
  socket.write(get)
  await once(socket, 'data')
  socket.pause()
  const body = `{"protocol":"json","version":1}${SEPARATOR}${invocation('Join', [])}`
  await fetch(address, { method: 'POST', headers: bearer('slow'), body })
  while (hub.disconnected.length === 0) {
    for (const one of hub.room) one.send(new HubEvent('Told', 'x'.repeat(50_000)))
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect([...hub.server.connections()]).toEqual([])
  socket.destroy()
})

test('one message larger than the limit arrives, and small ones around it', async () => {
  await using hub = await startHub({ limits: { mostBufferedBytes: 100_000 } })
  const ann = await openSocket(hub)
  for (let times = 0; times < 3; times += 1) {
    ann.socket.send(invocation('Me', [1]) + invocation('Big', [20_000_000], '1') + invocation('Me', [2]))
    expect(await ann.read()).toMatchObject({ arguments: [1] })
    expect(String((await ann.read()).result)).toHaveLength(20_000_000)
    expect(await ann.read()).toMatchObject({ arguments: [2] })
  }
  ann.socket.pause()
  for (const id of ['2', '3', '4']) ann.invoke('Big', [20_000_000], id)
  await hub.untilDisconnected(1)
})

test('whoever pings and reads no answers is dropped', async () => {
  await using hub = await startHub({ limits: { mostBufferedBytes: 100_000 } })
  const ann = await openSocket(hub)
  const answered = once(ann.socket, 'pong')
  ann.socket.ping('are you there')
  expect(String((await answered)[0])).toBe('are you there')
  ann.socket.pause()
  const payload = Buffer.alloc(125)
  while (hub.disconnected.length === 0) {
    for (let times = 0; times < 1000; times += 1) ann.socket.ping(payload)
    await new Promise((resolve) => setImmediate(resolve))
  }
})

test('a silent client hears pings', async () => {
  await using hub = await startHub({ times: { keepAliveMs: 20 } })
  const ann = await openSocket(hub)
  expect(await ann.read()).toEqual({ type: 6 })
  expect(await ann.read()).toEqual({ type: 6 })
})

test('a client that pinged and falls silent is told to reconnect; one that never pinged stays', async () => {
  await using hub = await startHub({ times: { clientTimeoutMs: 60 } })
  const [ann, bob] = [await openSocket(hub), await openSocket(hub, { token: 'bob' })]
  ann.socket.send(`{"type":6}${SEPARATOR}`)
  expect(await ann.read()).toEqual({ type: 7, allowReconnect: true })
  await hub.untilDisconnected(1)
  bob.invoke('Echo', [1], '1')
  expect(await bob.read()).toMatchObject({ result: [1] })
})

test('a half-open socket is given up', async () => {
  await using hub = await startHub({ times: { clientTimeoutMs: 50, abandonedMs: 50 } })
  const ann = await openSocket(hub)
  ann.socket.send(`{"type":6}${SEPARATOR}`)
  ann.socket.pause()
  await hub.untilDisconnected(1)
  // Its socket too, although it never answers.
  while (hub.sockets() > 0) await new Promise((resolve) => setTimeout(resolve, 10))
})

test('whoever waits for a method or for the rate is not taken for silent', async () => {
  await using hub = await startHub({ times: { clientTimeoutMs: 40 } })
  const ann = await openSocket(hub)
  ann.socket.send(`{"type":6}${SEPARATOR}`)
  ann.invoke('Wait', ['a'], '1')
  const bob = await openSocket(hub, { token: 'bob' })
  bob.socket.send(`{"type":6}${SEPARATOR}`)
  expect(await bob.read()).toMatchObject({ type: 7 })
  hub.gate('a').resolve('done')
  expect(await ann.read()).toMatchObject({ result: 'done' })
})

test('without a handshake the connection ends', async () => {
  await using hub = await startHub({ times: { handshakeMs: 40 } })
  const ann = await openSocket(hub, { handshake: '' })
  expect(await ann.read()).toEqual({ error: 'Handshake was canceled.' })
  await ann.closed
  expect(hub.disconnected).toEqual([])
})

test('whoever negotiates and never connects is forgotten', async () => {
  await using hub = await startHub({ times: { abandonedMs: 30 } })
  await negotiate(hub)
  expect([...hub.server.connections()]).toHaveLength(1)
  while ([...hub.server.connections()].length > 0) await new Promise((resolve) => setTimeout(resolve, 10))
})

test('closing tells everybody to reconnect, waits for the deaf only shortly and takes no new ones', async () => {
  const hub = await startHub({ times: { closeMs: 1000 } })
  const [ann, deaf] = [await openSocket(hub), await openSocket(hub, { token: 'deaf' })]
  deaf.socket.pause()
  const bob = await startPolling(hub, 'bob')
  const poll = bob.poll()
  const end = ann.read()
  const closing = hub.server.close()
  expect(await end).toEqual({ type: 7, allowReconnect: true })
  expect(await (await poll).text()).toContain('"allowReconnect":true')
  const late = await fetch(`${hub.url}/negotiate?negotiateVersion=1`, { method: 'POST', headers: bearer() })
  expect(late.status).toBe(503)
  await closing
  expect([...hub.server.connections()]).toEqual([])
  await hub.untilDisconnected(3)
  await hub[Symbol.asyncDispose]()
})
