import { HttpTransportType, type HubConnection } from '@microsoft/signalr'
import { MessagePackHubProtocol } from '@microsoft/signalr-protocol-msgpack'
import { describe, expect, test } from 'vitest'
import { official, startHub, type TestHub } from './support.ts'

const { WebSockets, ServerSentEvents, LongPolling } = HttpTransportType
const KINDS = [
  { name: 'JSON over WebSockets', transport: WebSockets },
  { name: 'JSON over Server-Sent Events', transport: ServerSentEvents },
  { name: 'JSON over Long Polling', transport: LongPolling },
  { name: 'MessagePack over WebSockets', transport: WebSockets, isBinary: true },
  { name: 'MessagePack over Long Polling', transport: LongPolling, isBinary: true },
  { name: 'JSON over WebSockets without negotiation', transport: WebSockets, skipNegotiation: true },
]

describe.each(KINDS)('$name', ({ transport, isBinary, skipNegotiation = false }) => {
  async function connect(hub: TestHub, token = 'ann', { reconnects = false } = {}): Promise<HubConnection> {
    const builder = official(hub, { transport, skipNegotiation }, token)
    if (isBinary) builder.withHubProtocol(new MessagePackHubProtocol())
    if (reconnects) builder.withAutomaticReconnect([0, 10, 50, 100, 500, 1000])
    const connection = builder.build()
    await connection.start()
    return connection
  }

  test('invocations are answered, with any number of arguments and whatever case the name has', async () => {
    await using hub = await startHub()
    const ann = await connect(hub)
    expect(await ann.invoke('Echo', 1)).toEqual([1])
    expect(await ann.invoke('eCHO', 'ü', { deep: [null, true] })).toEqual(['ü', { deep: [null, true] }])
    expect(await ann.invoke('echo', 1, 2.5, 'x'.repeat(50_000))).toEqual([1, 2.5, 'x'.repeat(50_000)])
    expect(await ann.invoke('Nothing')).toBe(null)
    expect(await ann.invoke('whoAmI')).toBe('ann')
    await ann.stop()
  })

  test('errors carry the texts of ASP.NET and no detail', async () => {
    await using hub = await startHub()
    const ann = await connect(hub)
    await expect(ann.invoke('Refuse')).rejects.toThrow(
      "An unexpected error occurred invoking 'Refuse' on the server. HubException: you may not",
    )
    await expect(ann.invoke('Fail')).rejects.toThrow(
      /^An unexpected error occurred invoking 'Fail' on the server\.$/,
    )
    await expect(ann.invoke('Missing')).rejects.toThrow(
      "Failed to invoke 'Missing' due to an error on the server. HubException: Method does not exist.",
    )
    await expect(
      new Promise((resolve, reject) =>
        ann.stream('Echo', 1).subscribe({ next: resolve, complete: () => resolve('done'), error: reject }),
      ),
    ).rejects.toThrow("non-streaming 'Echo' method")
    expect(hub.errors).toMatchObject([{ message: 'secret detail' }])
    await ann.stop()
  })

  test('events reach the others, all of them and in order', async () => {
    await using hub = await startHub()
    const [ann, bob, eve] = [await connect(hub), await connect(hub, 'bob'), await connect(hub, 'eve')]
    await Promise.all([ann, bob, eve].map((one) => one.invoke('Join')))
    const seen: unknown[][] = [[], [], []]
    const full = Promise.withResolvers<void>()
    for (const [index, one] of [ann, bob, eve].entries()) {
      one.on('Told', (...args) => {
        if (seen[index]?.push(args) === 500 && seen.slice(1).every((events) => events.length >= 500)) {
          full.resolve()
        }
      })
    }
    await Promise.all(Array.from({ length: 500 }, (_, at) => ann.send('Tell', at, 'text')))
    await full.promise
    const all = Array.from({ length: 500 }, (_, at) => [at, 'text'])
    expect(seen).toEqual([[], all, all])
    await Promise.all([ann, bob, eve].map((one) => one.stop()))
  })

  test('stopping ends the connection for the hub', async () => {
    await using hub = await startHub()
    const ann = await connect(hub)
    await ann.invoke('Join')
    await ann.stop()
    await hub.untilDisconnected(1)
    expect([...hub.server.connections()]).toEqual([])
    expect(hub.disconnected).toHaveLength(1)
    expect(hub.errors).toEqual([])
  })

  test('told to reconnect it comes back by itself, told nothing it stays away', async () => {
    await using hub = await startHub()
    const ann = await connect(hub, 'ann', { reconnects: true })
    const before = ann.connectionId
    const back = new Promise((resolve) => ann.onreconnected(resolve))
    const gone = new Promise((resolve) => ann.onclose(resolve))
    await ann.send('Bye', true)
    await back
    if (!skipNegotiation) expect(ann.connectionId).not.toBe(before)
    expect(await ann.invoke('Echo', 'again')).toEqual(['again'])
    await ann.send('Bye', false)
    await gone
    expect(ann.state).toBe('Disconnected')
    await hub.untilDisconnected(2)
  })

  test('it comes back when its sockets are cut', async () => {
    await using hub = await startHub()
    const ann = await connect(hub, 'ann', { reconnects: true })
    const back = new Promise((resolve) => ann.onreconnected(resolve))
    hub.cut()
    await back
    expect(await ann.invoke('Echo', 'again')).toEqual(['again'])
    await ann.stop()
  })
})
