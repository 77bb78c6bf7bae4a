import { decodeMulti, encode } from '@msgpack/msgpack'
import { expect, test } from 'vitest'
import { HANDSHAKE, invocation, negotiate, openSocket, SEPARATOR, startHub } from './support.ts'

const BROKEN = { type: 7, error: 'Connection closed with an error.' }

test('messages may come in any pieces, and what follows the handshake at once is served', async () => {
  await using hub = await startHub()
  const ann = await openSocket(hub, { handshake: '' })
  const all = HANDSHAKE + invocation('Echo', ['ü', 1], '1') + invocation('Echo', ['b'], '2')
  for (const byte of Buffer.from(all)) ann.socket.send(Buffer.from([byte]))
  expect(await ann.read()).toEqual({})
  expect(await ann.read()).toEqual({ type: 3, invocationId: '1', result: ['ü', 1] })
  expect(await ann.read()).toEqual({ type: 3, invocationId: '2', result: ['b'] })

  const bob = await openSocket(hub, { handshake: '' })
  bob.socket.send(all)
  await bob.read()
  await bob.read()
  await bob.read()
  // The answers to one frame leave in one.
  expect(bob.frames).toHaveLength(1)
})

test('large messages in small pieces take no long searching', async () => {
  await using hub = await startHub({ limits: { maxMessageBytes: 4_000_000 } })
  const ann = await openSocket(hub)
  const text = Buffer.from(invocation('Nothing', ['x'.repeat(3_000_000)], '1'))
  for (let at = 0; at < text.length; at += 100) ann.socket.send(text.subarray(at, at + 100))
  expect(await ann.read()).toEqual({ type: 3, invocationId: '1', result: null })
})

test('without an id there is no answer, with an empty or null one neither', async () => {
  await using hub = await startHub()
  const ann = await openSocket(hub)
  ann.socket.send(`{"type":1,"target":"Missing","arguments":[]}${SEPARATOR}`)
  ann.socket.send(`{"type":1,"target":"Fail","arguments":[],"invocationId":null}${SEPARATOR}`)
  ann.invoke('Nothing', [], '')
  ann.invoke('Echo', ['last'], '9')
  expect(await ann.read()).toMatchObject({ invocationId: '9', result: ['last'] })
})

test('arguments that fit no method are an error, unknown types and properties are nothing', async () => {
  await using hub = await startHub()
  const ann = await openSocket(hub)
  for (const type of [2, 3, 5, 8, 9, 42]) ann.socket.send(`{"type":${type},"invocationId":"1"}${SEPARATOR}`)
  ann.socket.send(`{"type":1,"target":"Echo","invocationId":"1"}${SEPARATOR}`)
  expect(await ann.read()).toEqual({
    type: 3,
    invocationId: '1',
    error: "Failed to invoke 'Echo' due to an error on the server.",
  })
  ann.socket.send(
    `{"type":1,"target":"Echo","arguments":[],"streamIds":["1"],"invocationId":"2"}${SEPARATOR}`,
  )
  expect(await ann.read()).toMatchObject({ error: "Failed to invoke 'Echo' due to an error on the server." })
  ann.socket.send(`{"type":1,"target":"Echo","arguments":[1],"extra":{},"invocationId":"3"}${SEPARATOR}`)
  expect(await ann.read()).toEqual({ type: 3, invocationId: '3', result: [1] })
  ann.invoke('Unwritable', [], '4')
  expect(await ann.read()).toMatchObject({ invocationId: '4', error: expect.stringContaining('unexpected') })
  expect(hub.errors).toHaveLength(1)
})

test.each([
  ['no JSON', 'nonsense'],
  ['no object', '17'],
  ['null', 'null'],
  ['no type', '{}'],
  ['a type that is no number', '{"type":"1"}'],
  ['no target', '{"type":1,"arguments":[]}'],
  ['an id that is no string', '{"type":1,"target":"Echo","arguments":[],"invocationId":{}}'],
  ['too large', `{"type":6,"x":"${'x'.repeat(100_000)}"}`],
])('%s closes this connection and no other', async (_name, garbage) => {
  await using hub = await startHub()
  const [ann, bob] = [await openSocket(hub), await openSocket(hub, { token: 'bob' })]
  ann.socket.send(garbage + SEPARATOR + invocation('Note', ['unread']))
  expect(await ann.read()).toEqual(BROKEN)
  expect(await ann.closed).toBe(1000)
  await hub.untilDisconnected(1)
  bob.invoke('Echo', [1], '1')
  expect(await bob.read()).toMatchObject({ result: [1] })
  expect(hub.calls).toEqual([])
  expect(hub.errors).toEqual([])
})

test('a message without an end is cut off at the limit', async () => {
  await using hub = await startHub()
  const ann = await openSocket(hub)
  for (let pieces = 0; pieces < 11; pieces += 1) ann.socket.send('x'.repeat(10_000))
  expect(await ann.read()).toEqual(BROKEN)
})

test('a frame far beyond the limit is not even read', async () => {
  await using hub = await startHub()
  const ann = await openSocket(hub)
  ann.socket.send('x'.repeat(1_000_000))
  expect(await ann.closed).toBe(1009)
  await hub.untilDisconnected(1)
})

test.each([
  ['{"protocol":"morse","version":1}', "The protocol 'morse' is not supported."],
  ['{"protocol":"json","version":3}', "The server does not support version 3 of the 'json' protocol."],
  ['{"protocol":{"toString":1},"version":1}', 'An unexpected error occurred during connection handshake.'],
  ['nonsense', 'An unexpected error occurred during connection handshake.'],
  ['x'.repeat(5000), 'An unexpected error occurred during connection handshake.'],
])('the handshake %.20s is refused with its text', async (handshake, error) => {
  await using hub = await startHub()
  const ann = await openSocket(hub, { handshake: handshake + SEPARATOR })
  expect(await ann.read()).toEqual({ error })
  await ann.closed
  expect(hub.disconnected).toEqual([])
})

test.each([1, 2])('version %d of both protocols is served', async (version) => {
  await using hub = await startHub()
  const json = await openSocket(hub, { handshake: `{"version":${version},"protocol":"json"}${SEPARATOR}` })
  expect(await json.read()).toEqual({})
  const binary = await openSocket(hub, {
    handshake: `{"protocol":"messagepack","version":${version}}${SEPARATOR}`,
  })
  expect(await binary.read()).toEqual({})
})

async function openBinary(hub: Awaited<ReturnType<typeof startHub>>) {
  const ann = await openSocket(hub, { handshake: `{"protocol":"messagepack","version":1}${SEPARATOR}` })
  expect(await ann.read()).toEqual({})
  return {
    ...ann,
    send: (...messages: unknown[]) => ann.socket.send(Buffer.concat(messages.map(framed))),
    /** All of the next frame's messages. */
    async readFrame() {
      const count = ann.frames.length
      while (ann.frames.length === count) await new Promise((resolve) => ann.socket.once('message', resolve))
      return unframed(ann.frames.at(-1) ?? Buffer.alloc(0))
    },
  }
}

function framed(message: unknown): Buffer {
  const body = message instanceof Buffer ? message : Buffer.from(encode(message))
  const prefix: number[] = []
  let left = body.length
  for (; left > 127; left >>= 7) prefix.push((left & 127) | 128)
  return Buffer.concat([Buffer.from([...prefix, left]), body])
}

/** Messages below 128 bytes. */
function unframed(frame: Buffer): unknown[] {
  const messages: unknown[] = []
  for (let at = 0; at < frame.length; at += 1 + (frame[at] ?? 0)) {
    messages.push(...decodeMulti(new Uint8Array(frame.subarray(at + 1, at + 1 + (frame[at] ?? 0)))))
  }
  return messages
}

test('MessagePack invocations of five and of six elements are served, several in one frame', async () => {
  await using hub = await startHub()
  const ann = await openBinary(hub)
  const answers = ann.readFrame()
  ann.send([6], [1, {}, '1', 'Echo', [new Uint8Array([1, 2])]], [1, {}, '2', 'Nothing', [], []])
  expect(await answers).toEqual([
    [3, {}, '1', 3, [new Uint8Array([1, 2])]],
    [3, {}, '2', 3, null],
  ])
  const event = ann.readFrame()
  ann.send([1, {}, null, 'Me', ['ü', 1]])
  expect(await event).toEqual([[1, {}, null, 'Me', ['ü', 1], []]])
  const error = ann.readFrame()
  ann.send([1, {}, '3', 'Refuse', []])
  expect(await error).toEqual([[3, {}, '3', 1, expect.stringContaining('you may not')]])
})

test.each([
  ['promises of more elements than there are bytes', Buffer.from('95dd7fffffffdd7fffffff', 'hex')],
  ['nested promises', Buffer.from('dc2710'.repeat(3000), 'hex')],
  ['a map instead of an array', { type: 1 }],
  ['bytes after the value', Buffer.from('910600', 'hex')],
  ['nothing', Buffer.alloc(0)],
  ['a format that is never used', Buffer.from('91c1', 'hex')],
  ['a string that is not whole', Buffer.from('91d9ff61', 'hex')],
])('MessagePack with %s closes this connection', async (_name, garbage) => {
  await using hub = await startHub()
  const ann = await openBinary(hub)
  const answer = ann.readFrame()
  ann.send(garbage)
  expect(await answer).toEqual([[7, 'Connection closed with an error.', false]])
  await ann.closed
})

test('room is never made for what MessagePack only promises', async () => {
  await using hub = await startHub()
  const ann = await openBinary(hub)
  const before = process.resourceUsage().maxRSS
  const answer = ann.readFrame()
  // Eight arrays of 16 million elements, one in the other.
  ann.send(Buffer.from('dd00f42400'.repeat(8), 'hex'))
  expect(await answer).toEqual([[7, 'Connection closed with an error.', false]])
  expect(process.resourceUsage().maxRSS - before).toBeLessThan(300_000)
})

test('MessagePack lengths beyond the limit or without an end close this connection', async () => {
  await using hub = await startHub()
  for (const prefix of ['ffffffff07', 'ffffffffff']) {
    const ann = await openBinary(hub)
    const answer = ann.readFrame()
    ann.socket.send(Buffer.from(prefix, 'hex'))
    expect(await answer).toEqual([[7, 'Connection closed with an error.', false]])
  }
})

test('every MessagePack format is read', async () => {
  await using hub = await startHub()
  const ann = await openBinary(hub)
  const values = [
    [0, 127, -1, -32, 200, 60_000, 4_000_000_000, 2 ** 40, -100, -30_000, -2_000_000_000, -(2 ** 40), 1.5],
    ['', 'x'.repeat(31), 'x'.repeat(200), 'x'.repeat(70_000), true, false, null, new Uint8Array(300)],
    [Array(20).fill([]), Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`k${at}`, {}]))],
    [new Date(0), new Date(1), new Date(2 ** 40)],
  ]
  for (const args of values) {
    const seen = new Promise((resolve) => ann.socket.once('message', resolve))
    ann.send([1, {}, '1', 'Echo', args])
    const body = (await seen) as Buffer
    expect(body.includes(Buffer.from(encode(args)))).toBe(true)
  }
})

test('a client that says Close is gone for the hub', async () => {
  await using hub = await startHub()
  const ann = await openSocket(hub)
  ann.socket.send(`{"type":7}${SEPARATOR}${invocation('Note', ['unread'])}`)
  await hub.untilDisconnected(1)
  expect(await ann.closed).toBe(1000)
  expect(hub.calls).toEqual([])
})

test('one connection’s methods run one after the other; a later result lets the next begin', async () => {
  await using hub = await startHub()
  const ann = await openSocket(hub)
  ann.invoke('Wait', ['a'], '1')
  ann.invoke('Note', ['b'], '2')
  ann.invoke('Later', ['c'], '3')
  ann.invoke('Note', ['d'], '4')
  const bob = await openSocket(hub, { token: 'bob' })
  bob.invoke('Echo', [1], '1')
  expect(await bob.read()).toMatchObject({ result: [1] })
  expect(hub.calls).toEqual(['wait a'])
  hub.gate('a').resolve('A')
  expect(await ann.read()).toMatchObject({ invocationId: '1', result: 'A' })
  expect(await ann.read()).toMatchObject({ invocationId: '2' })
  expect(await ann.read()).toMatchObject({ invocationId: '4' })
  hub.gate('c').reject(new Error('no'))
  expect(await ann.read()).toMatchObject({ invocationId: '3', error: expect.stringContaining("'Later'") })
  expect(hub.calls).toEqual(['wait a', 'b', 'later c', 'd'])
})

test('a connection without an id is a new one; ids are public, tokens are not', async () => {
  await using hub = await startHub()
  const { connectionId, connectionToken } = await negotiate(hub)
  expect(connectionId).toMatch(/^[\w-]{22}$/)
  expect(connectionToken).toMatch(/^[\w.-]{60,120}$/)
  expect(connectionId).not.toBe(connectionToken)
  await expect(openSocket(hub, { id: connectionId })).rejects.toThrow('404')
  const ann = await openSocket(hub, { id: connectionToken })
  const other = await openSocket(hub)
  expect([...hub.server.connections()].map(({ id }) => id)).toContain(connectionId)
  ann.invoke('WhoAmI', [], '1')
  expect(await ann.read()).toMatchObject({ result: 'ann' })
  other.invoke('WhoAmI', [], '1')
  expect(await other.read()).toMatchObject({ result: 'ann' })
})
