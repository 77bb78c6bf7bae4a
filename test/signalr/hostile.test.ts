import { MessagePackHubProtocol } from '@microsoft/signalr-protocol-msgpack'
import { Decoder, encode } from '@msgpack/msgpack'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { HubEvent } from '../../src/signalr/hub-event.ts'
import { jsonProtocol } from '../../src/signalr/json-protocol.ts'
import { messagePackProtocol } from '../../src/signalr/messagepack-protocol.ts'
import { demandWholeValue } from '../../src/signalr/messagepack-size.ts'
import { PendingBytes } from '../../src/signalr/pending-bytes.ts'
import { Garbage, type Protocol } from '../../src/signalr/protocol.ts'
import { official, openSocket, SEPARATOR, startHub } from './support.ts'

const MAX_BYTES = 1000

/** All messages of a stream that comes in pieces, 'garbage' where it broke off. */
function readAll(protocol: Protocol, pieces: Buffer[]): unknown[] {
  const pending = new PendingBytes()
  const messages: unknown[] = []
  try {
    for (const piece of pieces) {
      pending.add(piece)
      for (let next = protocol.next(pending, MAX_BYTES); next; next = protocol.next(pending, MAX_BYTES)) {
        messages.push(structuredClone(next))
      }
    }
  } catch (error) {
    if (!(error instanceof Garbage)) throw error
    messages.push('garbage')
  }
  return messages
}

function cut(bytes: Buffer, places: number[]): Buffer[] {
  const edges = [0, ...places.map((place) => place % (bytes.length + 1)), bytes.length].sort((a, b) => a - b)
  return edges.slice(1).map((edge, at) => Buffer.from(bytes.subarray(edges[at], edge)))
}

const ARGUMENTS = fc.array(fc.jsonValue({ maxDepth: 3 }), { maxLength: 3 })
const PLACES = fc.array(fc.nat(), { maxLength: 30 })

test.each([jsonProtocol, messagePackProtocol])(
  'however $name is cut into pieces, the same messages are read',
  (protocol) => {
    fc.assert(
      fc.property(fc.array(ARGUMENTS, { maxLength: 5 }), PLACES, (calls, places) => {
        const stream = Buffer.concat(
          calls.flatMap((args) => [protocol.event({ target: 'x', args } as never), protocol.ping]),
        )
        const whole = readAll(protocol, [Buffer.from(stream)])
        expect(readAll(protocol, cut(stream, places))).toEqual(whole)
        if (!whole.includes('garbage')) expect(whole).toHaveLength(calls.length * 2)
      }),
    )
  },
)

test.each([jsonProtocol, messagePackProtocol])(
  'random bytes are messages of $name or garbage',
  (protocol) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), PLACES, (bytes, places) => {
        readAll(protocol, cut(Buffer.from(bytes), places))
      }),
      { numRuns: 2000 },
    )
  },
)

test('what is measured as one whole value is exactly what the decoder takes for one', () => {
  const decoder = new Decoder()
  const isWhole = (bytes: Buffer) => {
    try {
      demandWholeValue(bytes)
      return true
    } catch {
      return false
    }
  }
  const decodes = (bytes: Buffer) => {
    try {
      decoder.decode(bytes)
      return true
    } catch {
      return false
    }
  }
  fc.assert(
    fc.property(
      fc.anything({ withTypedArray: false, withDate: true, maxDepth: 4 }),
      fc.nat(),
      (value, at) => {
        let bytes: Buffer
        try {
          bytes = Buffer.from(encode(value))
        } catch {
          return
        }
        expect(isWhole(bytes)).toBe(true)
        const shorter = bytes.subarray(0, at % bytes.length)
        expect(isWhole(shorter)).toBe(false)
        // Whatever is changed: nothing decodes that was not measured as whole.
        const changed = Buffer.from(bytes)
        changed[at % bytes.length] = (at >> 3) & 0xff
        if (isWhole(changed) === false && changed.length < 50) expect(decodes(changed)).toBe(false)
      },
    ),
    { numRuns: 2000 },
  )
})

test('arguments nested too deeply to be written are an error of their own invocation', async () => {
  await using hub = await startHub()
  const ann = await openSocket(hub)
  const deep = '['.repeat(40_000) + ']'.repeat(40_000)
  ann.socket.send(`{"type":1,"target":"Echo","invocationId":"1","arguments":[${deep}]}${SEPARATOR}`)
  expect(await ann.read()).toMatchObject({ invocationId: '1', error: expect.stringContaining("'Echo'") })
  ann.invoke('Echo', [1], '2')
  expect(await ann.read()).toMatchObject({ invocationId: '2', result: [1] })
  expect(hub.errors).toHaveLength(1)
})

test('an event that one protocol cannot say is left out for its readers, reported once and told the others', async () => {
  await using hub = await startHub()
  const [ann, eve] = [await openSocket(hub), await openSocket(hub, { token: 'eve' })]
  const binary = [0, 1].map((at) =>
    official(hub, {}, `bin${at}`).withHubProtocol(new MessagePackHubProtocol()).build(),
  )
  const heard: unknown[] = []
  const [told, toldToo] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  for (const [at, one] of binary.entries()) {
    one.on('Told', (...args) => {
      heard.push(args)
      ;(at === 0 ? told : toldToo).resolve()
    })
    await one.start()
    await one.invoke('Join')
  }
  ann.invoke('Join', [], '1')
  await ann.read()
  const deep = '['.repeat(150) + ']'.repeat(150)
  eve.socket.send(`{"type":1,"target":"Tell","invocationId":"1","arguments":[${deep}]}${SEPARATOR}`)
  expect(await eve.read()).toEqual({ type: 3, invocationId: '1', result: null })
  expect(await ann.read()).toMatchObject({ target: 'Told', arguments: [JSON.parse(deep)] })
  eve.invoke('Tell', ['next'])
  expect(await ann.read()).toMatchObject({ arguments: ['next'] })
  await Promise.all([told.promise, toldToo.promise])
  expect(heard).toEqual([['next'], ['next']])
  expect(hub.errors).toMatchObject([{ message: expect.stringContaining('Too deep') }])
  await Promise.all(binary.map((one) => one.stop()))
})

test('an event that no protocol can say harms nobody', async () => {
  await using hub = await startHub({
    methods: { number: (connection) => connection.send(new HubEvent('Number', 10n ** 30n)) },
  })
  const ann = await openSocket(hub)
  ann.invoke('Number', [], '1')
  expect(await ann.read()).toEqual({ type: 3, invocationId: '1', result: null })
  expect(hub.errors).toHaveLength(1)
})

test('a mebibyte of brackets is an argument like others', async () => {
  await using hub = await startHub({ limits: { maxMessageBytes: 1_200_000 } })
  const [ann, bob] = [await openSocket(hub), await openSocket(hub, { token: 'bob' })]
  bob.invoke('Join', [], '1')
  await bob.read()
  const deep = '['.repeat(500_000) + ']'.repeat(500_000)
  ann.socket.send(`{"type":1,"target":"Tell","invocationId":"1","arguments":[${deep}]}${SEPARATOR}`)
  expect(await ann.read()).toEqual({ type: 3, invocationId: '1', result: null })
  expect(hub.errors).toHaveLength(1)
  ann.invoke('Tell', ['next'])
  expect(await bob.read()).toMatchObject({ arguments: ['next'] })
})

test('MessagePack nested more deeply than it could be written is garbage', () => {
  const nested = (levels: number) => Buffer.concat([Buffer.alloc(levels, 0x91), Buffer.from([0xc0])])
  expect(() => demandWholeValue(nested(100))).not.toThrow()
  expect(() => demandWholeValue(nested(101))).toThrow(Garbage)
  expect(() => demandWholeValue(nested(1_000_000))).toThrow(Garbage)
  // Beside each other they may be as many as they like.
  const beside = Buffer.concat([Buffer.from('dd000003e8', 'hex'), Buffer.alloc(1000, 0x90)])
  expect(() => demandWholeValue(beside)).not.toThrow()
})
