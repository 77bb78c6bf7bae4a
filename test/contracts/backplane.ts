import { describe, expect, test } from 'vitest'
import type { Backplane } from '../../src/core/ports.ts'

export type BackplaneSubject = AsyncDisposable & {
  /** The backplane of each node; one for implementations that know a single node. */
  nodes: [Backplane, ...Backplane[]]
  /** Resolves when the nodes hear each other on everything subscribed to so far. */
  heard(): Promise<void>
}

/** What every Backplane promises. */
export function backplaneContract(name: string, make: () => Promise<BackplaneSubject>) {
  describe(`${name}: backplane`, () => {
    test('every node hears what one node says, the speaker included', async () => {
      await using subject = await make()
      const heard = subject.nodes.map((node) => collect(node, 'documents'))
      await subject.heard()

      await subject.nodes[0].publish('documents', 'head-changed')

      for (const messages of heard) expect(await messages.first(1)).toEqual(['head-changed'])
    })

    test('messages of a channel arrive once each and in order', async () => {
      await using subject = await make()
      const heard = subject.nodes.map((node) => collect(node, 'updates'))
      const sent = Array.from({ length: 500 }, (_, i) => String(i))
      await subject.heard()

      await Promise.all(sent.map((message) => subject.nodes[0].publish('updates', message)))
      await subject.nodes[0].publish('updates', 'end')

      for (const messages of heard) expect(await messages.first(501)).toEqual([...sent, 'end'])
    })

    test('any text arrives as it was sent', async () => {
      await using subject = await make()
      const heard = subject.nodes.map((node) => collect(node, 'tëxt:*?[a]'))
      await subject.heard()
      const texts = ['', ' ', '{"a":"\\u0000"}', 'line\nline', '文書 📄', 'x'.repeat(200_000)]

      for (const text of texts) await subject.nodes[0].publish('tëxt:*?[a]', text)

      for (const messages of heard) expect(await messages.first(texts.length)).toEqual(texts)
    })

    test('a channel hears nothing of another one', async () => {
      await using subject = await make()
      const ones = subject.nodes.map((node) => collect(node, 'document:1'))
      const others = subject.nodes.map((node) => collect(node, 'document:11'))
      await subject.heard()

      await subject.nodes[0].publish('document:11', 'for 11')
      await subject.nodes[0].publish('document:1', 'for 1')

      for (const one of ones) expect(await one.first(1)).toEqual(['for 1'])
      for (const other of others) expect(await other.first(1)).toEqual(['for 11'])
    })

    test('each listener of a channel is told, the same function as often as it subscribed', async () => {
      await using subject = await make()
      const [node] = subject.nodes
      const heard = collect(node, 'documents')
      const endOne = node.subscribe('documents', heard.listener)

      await node.publish('documents', 'a')
      expect(await heard.first(2)).toEqual(['a', 'a'])
      endOne()
      endOne()
      await node.publish('documents', 'b')
      await node.publish('documents', 'c')

      expect(await heard.first(4)).toEqual(['a', 'a', 'b', 'c'])
    })

    test('after its end a subscription hears nothing more, the others go on', async () => {
      await using subject = await make()
      const [node, speaker = node] = subject.nodes
      const ended = collect(node, 'documents')
      const going = collect(node, 'documents')
      await subject.heard()
      await speaker.publish('documents', 'a')
      await going.first(1)

      ended.end()
      await speaker.publish('documents', 'b')

      expect(await going.first(2)).toEqual(['a', 'b'])
      expect(ended.messages).toEqual(['a'])
    })

    test('a channel that everybody left can be heard again', async () => {
      await using subject = await make()
      const [node, speaker = node] = subject.nodes
      const before = collect(node, 'documents')
      before.end()
      await speaker.publish('documents', 'for nobody')

      const after = collect(node, 'documents')
      await subject.heard()
      await speaker.publish('documents', 'a')

      expect(await after.first(1)).toEqual(['a'])
      expect(before.messages).toEqual([])
    })

    test('a listener that throws takes nothing from the others or from later messages', async () => {
      await using subject = await make()
      const [node, speaker = node] = subject.nodes
      let thrown = 0
      node.subscribe('documents', () => {
        thrown += 1
        throw new Error('a fault in a listener')
      })
      const heard = collect(node, 'documents')
      await subject.heard()

      await speaker.publish('documents', 'a')
      await speaker.publish('documents', 'b')

      expect(await heard.first(2)).toEqual(['a', 'b'])
      expect(thrown).toBe(2)
    })

    test('each node is heard in the order in which it speaks', async () => {
      await using subject = await make()
      const heard = subject.nodes.map((node) => collect(node, 'documents'))
      await subject.heard()
      const said = subject.nodes.map((_, of) => Array.from({ length: 200 }, (_, at) => `${of} ${at}`))

      await Promise.all(
        subject.nodes.flatMap((node, of) => (said[of] ?? []).map((text) => node.publish('documents', text))),
      )

      for (const messages of heard) {
        const all = await messages.first(said.flat().length)
        expect(all.toSorted()).toEqual(said.flat().toSorted())
        for (const [of, texts] of said.entries())
          expect(all.filter((text) => text.startsWith(`${of} `))).toEqual(texts)
      }
    })

    test('nothing is amiss, and a node that was closed calls nobody', async () => {
      await using subject = await make()
      const [node] = subject.nodes
      const heard = collect(node, 'documents')
      let gaps = 0
      node.onGap(() => gaps++)
      await subject.heard()
      expect(subject.nodes.map((one) => one.trouble())).toEqual(subject.nodes.map(() => undefined))

      await node.close()
      await Promise.all(subject.nodes.map((one) => one.publish('documents', 'a')))

      expect(heard.messages).toEqual([])
      expect(gaps).toBe(0)
    })

    test('a listener is never called inside publish or subscribe, not even by a listener', async () => {
      await using subject = await make()
      const [node] = subject.nodes
      const trace: string[] = []
      const done = Promise.withResolvers<void>()
      node.subscribe('documents', (message) => {
        trace.push(`${message} begins`)
        if (message === 'first') void node.publish('documents', 'second')
        trace.push(`${message} ends`)
        if (message === 'second') done.resolve()
      })

      const published = node.publish('documents', 'first')
      trace.push('publish returned')
      await published
      await done.promise

      expect(trace).toEqual([
        'publish returned',
        'first begins',
        'first ends',
        'second begins',
        'second ends',
      ])
    })
  })
}

/** Listens, and can wait for the first `count` messages. */
function collect(node: Backplane, channel: string) {
  const messages: string[] = []
  let wake = () => {}
  const listener = (message: string) => {
    messages.push(message)
    wake()
  }
  return {
    messages,
    listener,
    end: node.subscribe(channel, listener),
    async first(count: number): Promise<string[]> {
      while (messages.length < count) await new Promise<void>((resolve) => (wake = resolve))
      return messages
    },
  }
}
