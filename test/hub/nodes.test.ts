import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { MemoryBackplane } from '../../src/backplane/memory.ts'
import { RedisBackplane } from '../../src/backplane/redis.ts'
import { documentEventsNow } from '../../src/core/document-events-now.ts'
import { createEvents, type DocumentEvent } from '../../src/core/events.ts'
import { replaceHead } from '../../src/core/new-head.ts'
import { createTokens } from '../../src/core/tokens.ts'
import { Updates } from '../../src/core/updates/updates.ts'
import { createAuthentication } from '../../src/http/authentication.ts'
import { createLimits } from '../../src/http/limits.ts'
import { openHub } from '../../src/hub/hub-door.ts'
import { documentById } from '../../src/metadata/documents.ts'
import { ADMIN_TOKEN, startApp, type TestApp } from '../support/app.ts'
import { isRedisInstalled, startRedis, type TestRedis } from '../support/redis.ts'
import { connect, joined, textOf, typed } from './support.ts'

describe.skipIf(!isRedisInstalled)('several nodes (left out where redis-server is not installed)', () => {
  let redis: TestRedis
  let app: TestApp
  let id: string
  beforeAll(async () => {
    redis = await startRedis()
    app = await startApp()
  })
  afterAll(async () => {
    await app[Symbol.asyncDispose]()
    await redis[Symbol.asyncDispose]()
  })
  beforeEach(async () => {
    id = await app.upload('note.txt', Buffer.from('note'))
  })

  /** Another node over the app's data, that hears others over Redis. */
  async function startNode(name: string) {
    const backplane = new RedisBackplane({
      url: redis.url,
      prefix: 'nodes',
      pingEveryMs: 50,
      patienceMs: 300,
    })
    await backplane.connected(5000)
    const events = createEvents(backplane, (documentId) => documentEventsNow(app.deps, documentId))
    const config = {
      ...app.deps.config,
      NODE_NAME: name,
      HUB_ANONYMOUS: true,
      HUB_MAX_MESSAGE_BYTES: 4 * 1024 ** 2,
    }
    const deps = { ...app.deps, config, events }
    const updates = new Updates(deps)
    const tokens = createTokens('root', deps.clock, ADMIN_TOKEN)
    const hub = await openHub(deps, updates, {
      tokens,
      authentication: createAuthentication(deps, tokens, ADMIN_TOKEN),
      limits: createLimits(config),
      publicUrl: 'http://127.0.0.1',
      connectionKey: Buffer.alloc(32),
    })
    const server = createServer((request, response) => {
      const { pathname } = new URL(request.url ?? '', 'http://node')
      void hub.server.handle(request, response, pathname.slice('/hubs/document'.length))
    })
    server.on('upgrade', (request, socket, head) => void hub.server.upgrade(request, socket, head))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      hub,
      backplane,
      events,
      updates,
      async [Symbol.asyncDispose]() {
        await hub.server.close()
        server.closeAllConnections()
        server.close()
        await updates.close()
        await backplane.close()
      },
    }
  }

  test('people on several nodes hear each other, and all of them see who is there', async () => {
    await using one = await startNode('one')
    await using other = await startNode('other')
    await using ann = await joined(one, id, { name: 'Ann' })
    await using bea = await joined(other, id, { name: 'Bea' })
    expect((await ann.heard('UserJoined'))[0]?.slice(0, 2)).toEqual([bea.connection.connectionId, 'Bea'])
    const names = await ann.invoke<{ userName: string }[]>('GetConnectedUsers', id)
    expect(names.map(({ userName }) => userName)).toEqual(['Ann', 'Bea'])

    await ann.invoke('UpdateAwareness', id, 'cursor of Ann')
    expect((await bea.heard('ReceiveAwareness'))[0]?.slice(0, 2)).toEqual([
      'cursor of Ann',
      ann.connection.connectionId,
    ])
    const { updates } = typed(['good ', 'morning'])
    for (const update of updates) await ann.invoke('SendUpdate', id, update)
    expect((await bea.heard('ReceiveUpdate', 2)).map(([update]) => update)).toEqual(updates)
    expect(textOf(await bea.invoke('RequestSync', id))).toBe('good morning')
    expect(ann.told.ReceiveUpdate).toEqual([])
  })

  test('what several nodes type at once arrives everywhere, once each, and nothing comes back', async () => {
    await using one = await startNode('one')
    await using other = await startNode('other')
    await using ann = await joined(one, id)
    await using bea = await joined(other, id)
    await using cyd = await joined(other, id)
    const [fromAnn, fromBea] = [typed(wordsOf('a'), 1).updates, typed(wordsOf('b'), 2).updates]
    const send = async (user: typeof ann, updates: string[]) => {
      for (let at = 0; at < updates.length; at += 10)
        await Promise.all(updates.slice(at, at + 10).map((update) => user.invoke('SendUpdate', id, update)))
    }

    await Promise.all([send(ann, fromAnn), send(bea, fromBea)])

    const heard = (await cyd.heard('ReceiveUpdate', 600)).map(([update]) => update)
    expect(heard.filter((update) => fromAnn.includes(String(update)))).toEqual(fromAnn)
    expect(heard.filter((update) => fromBea.includes(String(update)))).toEqual(fromBea)
    expect(heard).toHaveLength(600)
    expect((await ann.heard('ReceiveUpdate', 300)).map(([update]) => update)).toEqual(fromBea)
    expect((await bea.heard('ReceiveUpdate', 300)).map(([update]) => update)).toEqual(fromAnn)
  })

  test('a newcomer is told where everybody is, on whichever node they are', async () => {
    await using one = await startNode('one')
    await using other = await startNode('other')
    await using ann = await joined(one, id)
    await using bea = await joined(other, id)
    await ann.invoke('UpdateAwareness', id, 'cursor of Ann')
    await bea.invoke('UpdateAwareness', id, 'cursor of Bea')
    await ann.heard('ReceiveAwareness')

    await using third = await startNode('third')
    await using cyd = await joined(third, id)

    const heard = (await cyd.heard('ReceiveAwareness', 2)).map(([data]) => data)
    expect(heard.toSorted()).toEqual(['cursor of Ann', 'cursor of Bea'])
    // It was said to nobody else.
    await ann.invoke('SendUpdate', id, typed(['end']).updates[0])
    await bea.heard('ReceiveUpdate')
    expect([ann, bea].map(({ told }) => told.ReceiveAwareness.length)).toEqual([1, 1])
  })

  test('what a node stored and could not tell before it ended is read by the others', async () => {
    await using one = await startNode('one')
    await using ann = await joined(one, id)
    // Nobody on another node hears it.
    const ended = new Updates({ ...app.deps, events: createEvents(new MemoryBackplane()) })
    const [base64 = ''] = typed(['untold']).updates
    const update = new Uint8Array(Buffer.from(base64, 'base64'))
    await ended.append({ documentId: id, epoch: 1, update, base64, from: 'somebody' })
    await ended.close()
    expect(ann.told.ReceiveUpdate).toEqual([])
    await one.hub.readUntold()
    expect((await ann.heard('ReceiveUpdate')).map(([data]) => data)).toEqual([base64])
    await one.hub.readUntold()

    await replaceHead(
      { ...app.deps, events: createEvents(new MemoryBackplane()) },
      await documentById(app.deps.database, id),
      {
        kind: 'upload',
        blob: await app.deps.blobs.put(Readable.from([Buffer.from('new')]), { maxBytes: 100 }),
        fileType: 'txt',
        author: { id: 'somebody', name: 'Somebody' },
        activity: { action: 'content-replaced' },
      },
    )
    expect(ann.told.DocumentRestored).toEqual([])
    await one.hub.readUntold()
    expect(await ann.heard('DocumentRestored')).toEqual([[id, 2]])
    expect(ann.told.ReceiveUpdate).toHaveLength(1)
  })

  test('a database that does not answer for a moment cuts nobody off who missed nothing', async () => {
    await using one = await startNode('one')
    await using ann = await joined(one, id)
    const position = vi.spyOn(one.updates, 'positionOf').mockRejectedValue(new Error('the database is away'))
    await expect(one.hub.readUntold()).rejects.toThrow('the database is away')
    position.mockRestore()
    await one.hub.readUntold()
    expect(ann.connection.state).toBe('Connected')
  })

  test('an update of a mebibyte reaches the other node', async () => {
    await using one = await startNode('one')
    await using other = await startNode('other')
    await using ann = await joined(one, id)
    await using bea = await joined(other, id)
    const { updates } = typed(['x'.repeat(1024 ** 2)])
    await ann.invoke('SendUpdate', id, updates[0])
    expect((await bea.heard('ReceiveUpdate'))[0]?.[0] === updates[0]).toBe(true)
  })

  test('after Redis was away everybody has everything, although nobody says anything more', async () => {
    await using one = await startNode('one')
    await using other = await startNode('other')
    await using ann = await joined(one, id, { name: 'Ann' })
    await using bea = await joined(other, id, { name: 'Bea' })
    await redis.kill()
    await expect.poll(() => other.backplane.trouble()).toBeDefined()
    const { updates } = typed(['said ', 'while ', 'away'])
    for (const update of updates) await ann.invoke('SendUpdate', id, update)
    await using cyd = await joined(one, id, { name: 'Cyd' })
    await cyd.invoke('UpdateAwareness', id, 'cursor of Cyd')
    const before = bea.told.UserList.length

    await redis.start()

    const received = await bea.heard('ReceiveUpdate', 3)
    expect(textOf(...received.map(([update]) => update))).toBe('said while away')
    const lists = await bea.heard('UserList', before + 1)
    expect(lists.at(-1)?.[0]).toMatchObject([{ userName: 'Ann' }, { userName: 'Bea' }, { userName: 'Cyd' }])
  })

  test('a restore that was not heard is told after the gap', async () => {
    await using one = await startNode('one')
    await using ann = await joined(one, id)
    await ann.invoke('SendUpdate', id, typed(['old']).updates[0])
    // The app itself hears and tells nobody else.
    const replaced = await app.fetch(`/api/documents/${id}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonContent: '{"type":"doc","content":[]}' }),
    })
    expect(replaced.status).toBe(200)
    expect(ann.told.DocumentRestored).toEqual([])
    await redis.kill()
    await expect.poll(() => one.backplane.trouble()).toBeDefined()
    await redis.start()
    expect(await ann.heard('DocumentRestored')).toEqual([[id, 2]])
    await ann.invoke('JoinDocument', id)
    expect(textOf(await ann.invoke('RequestSync', id))).toBe('')
  })

  test('a page is told after a gap how its document stands, and of the gap', async () => {
    await using one = await startNode('one')
    const told: DocumentEvent[] = []
    const end = one.events.subscribe(id, (event) => told.push(event))
    await redis.kill()
    await expect.poll(() => one.backplane.trouble()).toBeDefined()
    await redis.start()
    await expect
      .poll(() => told, { timeout: 20_000 })
      .toEqual([
        { type: 'save-state', state: 'saved', at: expect.any(String) },
        { type: 'users', users: [] },
        { type: 'gap' },
      ])
    end()
  })

  test('whoever joins while Redis is away works on, alone', async () => {
    await using one = await startNode('one')
    await redis.kill()
    try {
      await expect.poll(() => one.backplane.trouble()).toBeDefined()
      await using ann = await connect(one, {})
      await using bea = await joined(one, id)
      await ann.invoke('JoinDocument', id)
      await ann.invoke('SendUpdate', id, typed(['on']).updates[0])
      expect(await bea.heard('ReceiveUpdate')).toHaveLength(1)
    } finally {
      await redis.start()
    }
  })
})

function wordsOf(letter: string): string[] {
  return Array.from({ length: 300 }, (_, at) => `${letter}${at} `)
}
