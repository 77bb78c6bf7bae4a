import { HttpTransportType } from '@microsoft/signalr'
import { MessagePackHubProtocol } from '@microsoft/signalr-protocol-msgpack'
import { describe, expect, test } from 'vitest'
import { HubEvent } from '../../src/signalr/hub-event.ts'
import { HANDSHAKE, invocation, negotiate, official, openSocket, SEPARATOR, startHub } from './support.ts'

const { WebSockets, ServerSentEvents, LongPolling } = HttpTransportType
const LIMITS = { mostBufferedBytes: 8 * 1024 ** 2 }
const MB = 1_000_000
const SIZES = [3, 5, 9, 40]

describe.each([
  { name: 'JSON over WebSockets', transport: WebSockets },
  // In Node the client takes the square of the time for so long a line; browsers do not.
  { name: 'JSON over Server-Sent Events', transport: ServerSentEvents, sizes: SIZES.slice(0, 3) },
  { name: 'JSON over Long Polling', transport: LongPolling },
  { name: 'MessagePack over WebSockets', transport: WebSockets, isBinary: true },
])('$name', ({ transport, isBinary, sizes = SIZES }) => {
  test.each(sizes)('a state of %i MB arrives as an event and as a result', async (size) => {
    await using hub = await startHub({ limits: LIMITS })
    const builder = official(hub, { transport })
    if (isBinary) builder.withHubProtocol(new MessagePackHubProtocol())
    const ann = builder.build()
    const event = new Promise<string>((resolve, reject) => {
      ann.on('State', resolve)
      ann.onclose(() => reject(new Error('dropped')))
    })
    await ann.start()
    const result = ann.invoke<string>('Both', size * MB)
    expect((await event).length).toBe(size * MB)
    expect((await result).length).toBe(size * MB)
    expect(await ann.invoke('Echo', 'more')).toEqual(['more'])
    await ann.stop()
  })
})

test('a state of 40 MB arrives over Server-Sent Events, too', async () => {
  await using hub = await startHub({ limits: LIMITS })
  const { connectionToken } = await negotiate(hub)
  const address = `${hub.url}?id=${connectionToken}&access_token=ann`
  const stream = await fetch(address, { headers: { Accept: 'text/event-stream' } })
  await fetch(address, { method: 'POST', body: HANDSHAKE + invocation('Both', [40 * MB], '1') })
  const parts: string[] = []
  let ends = 0
  for await (const part of stream.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    parts.push(part)
    ends += part.split(SEPARATOR).length - 1
    // The handshake, the event and the result.
    if (ends === 3) break
  }
  const [event = '', result = ''] = parts.join('').split(SEPARATOR).slice(1)
  expect(JSON.parse(event).arguments[0]).toHaveLength(40 * MB)
  expect(JSON.parse(result).result).toHaveLength(40 * MB)
})

test('whoever asks for another one and has not read the last is dropped', async () => {
  await using hub = await startHub({ limits: LIMITS })
  const ann = await openSocket(hub)
  ann.socket.pause()
  ann.invoke('Both', [20 * MB], '1')
  ann.invoke('Wait', ['a'], '2')
  ann.invoke('Both', [20 * MB], '3')
  await hub.waiting
  // In another turn.
  setTimeout(() => hub.gate('a').resolve(null), 1)
  await hub.untilDisconnected(1)
})

test('a turn of many small ones is no large one', async () => {
  await using hub = await startHub({
    limits: { mostBufferedBytes: 1_000_000 },
    methods: {
      flood(connection) {
        for (let at = 0; at < 15; at += 1) connection.send(new HubEvent('Flood', 'x'.repeat(100_000)))
      },
    },
  })
  const ann = await openSocket(hub)
  ann.invoke('Flood', [])
  await hub.untilDisconnected(1)
})
