import { Writable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openBackplane } from '../../src/backplane/open-backplane.ts'
import { RedisBackplane, type RedisBackplaneOptions } from '../../src/backplane/redis.ts'
import { isRedisInstalled, startRedis, type TestRedis } from '../support/redis.ts'
import { backplaneContract } from './backplane.ts'

const QUICK = { pingEveryMs: 50, patienceMs: 300 }
/** More than a publisher waits for Redis, less than two of them one after the other. */
const A_MOMENT_MS = 1800

let redis: TestRedis
let installations = 0

describe.skipIf(!isRedisInstalled)('on Redis (left out where redis-server is not installed)', () => {
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis[Symbol.asyncDispose]())

  backplaneContract('RedisBackplane', async () => {
    const { nodes, ...rest } = await startNodes(3)
    const [first, ...others] = nodes.map(({ node }) => node)
    if (first === undefined) throw new Error('no nodes')
    return {
      nodes: [first, ...others],
      heard: async () => void (await Promise.all([first, ...others].map((node) => node.heard()))),
      [Symbol.asyncDispose]: () => rest[Symbol.asyncDispose](),
    }
  })

  test('10,000 messages arrive in order, once each', async () => {
    await using started = await startNodes(2)
    const [speaker, listener] = started.two
    const heard = listen(listener.node)
    await listener.node.heard()
    const sent = Array.from({ length: 10_000 }, (_, at) => `${at} ${'x'.repeat(200)}`)

    await Promise.all(sent.map((text) => speaker.node.publish('documents', text)))

    await expect.poll(() => heard.length, { timeout: 20_000 }).toBe(sent.length)
    expect(heard).toEqual(sent)
    expect(speaker.states).toEqual([])
  })

  test('a message of more than a mebibyte arrives whole', async () => {
    await using started = await startNodes(2)
    const [speaker, listener] = started.two
    const heard = listen(listener.node)
    await listener.node.heard()
    const text = JSON.stringify({ updates: [['from', '文'.repeat(200_000) + 'x'.repeat(1_500_000)]] })

    await speaker.node.publish('documents', text)

    await expect.poll(() => heard.length).toBe(1)
    expect(heard[0] === text).toBe(true)
  })

  test('two installations on one Redis do not hear each other', async () => {
    await using ours = await startNodes(2)
    await using theirs = await startNodes(1)
    const [speaker, listener] = ours.two
    const heard = listen(listener.node)
    const others = theirs.nodes.map(({ node }) => listen(node))
    await Promise.all([listener, ...theirs.nodes].map(({ node }) => node.heard()))

    await speaker.node.publish('documents', 'ours')

    await expect.poll(() => heard).toEqual(['ours'])
    expect(others).toEqual([[]])
  })

  test('Redis is asked only for channels that somebody here listens to', async () => {
    await using started = await startNodes(1)
    const [{ node, prefix }] = started.one
    const subscribed = async () => (await node.command('PUBSUB', 'CHANNELS', `${prefix}*`)) as string[]
    const channel = `${prefix}:channel:documents`
    expect(await subscribed()).not.toContain(channel)
    const ends = [node.subscribe('documents', () => {}), node.subscribe('documents', () => {})]
    await node.heard()
    expect(await subscribed()).toContain(channel)
    ends[0]?.()
    ends[0]?.()
    expect(await subscribed()).toContain(channel)
    ends[1]?.()
    await expect.poll(subscribed).not.toContain(channel)
  })

  test('Redis is killed and comes back: trouble is told meanwhile, then a gap, and all is heard again', async () => {
    await using started = await startNodes(2)
    const [ann, bob] = started.two
    const heard = listen(bob.node)
    const own = listen(ann.node)
    await bob.node.heard()
    await redis.kill()
    await expect.poll(() => bob.node.trouble()).toMatch(/Redis is away: .+/)

    await ann.node.publish('documents', 'lost to others')
    expect(own).toEqual(['lost to others'])
    expect(bob.gaps()).toBe(0)
    await redis.start()

    await expect.poll(bob.gaps, { timeout: 10_000 }).toBeGreaterThan(0)
    await expect
      .poll(() => [ann.node.trouble(), bob.node.trouble()], { timeout: 10_000 })
      .toEqual([undefined, undefined])
    await ann.node.publish('documents', 'after')
    await expect.poll(() => heard).toEqual(['after'])
    for (const { states } of [ann, bob]) expect(states).toEqual([expect.any(String), undefined])
  })

  test('who heard Redis all the time is told of what another node could not say', async () => {
    await using started = await startNodes(2)
    const [ann, bob] = started.two
    listen(bob.node)
    await bob.node.heard()
    // Only the connection by which Ann speaks, again and again until something of hers was lost.
    const cut = async () => {
      const clients = String(await bob.node.command('CLIENT', 'LIST', 'TYPE', 'NORMAL'))
      const mine = String(await bob.node.command('CLIENT', 'ID'))
      const ids = [...clients.matchAll(/^id=(\d+) /gm)].map(([, id]) => id ?? '').filter((id) => id !== mine)
      for (const id of ids) await bob.node.command('CLIENT', 'KILL', 'ID', id)
    }
    await cut()
    await expect.poll(() => ann.node.trouble()).toBeDefined()
    await ann.node.publish('documents', 'lost')
    expect(bob.states).toEqual([])

    await expect.poll(bob.gaps).toBe(1)
    await expect.poll(() => ann.node.trouble()).toBeUndefined()
    expect(bob.states).toEqual([])
  })

  test('Redis is frozen: nobody waits for long, trouble is told, and it ends when Redis goes on', async () => {
    await using started = await startNodes(2)
    const [ann, bob] = started.two
    const heard = listen(bob.node)
    await bob.node.heard()
    redis.pause()
    try {
      const began = performance.now()
      await Promise.all(Array.from({ length: 100 }, (_, at) => ann.node.publish('documents', `${at}`)))
      bob.node.subscribe('others', () => {})
      await bob.node.heard()
      expect(performance.now() - began).toBeLessThan(2 * A_MOMENT_MS)
      await expect.poll(() => ann.node.trouble()).toMatch('no answer within 300 ms')
      await ann.node.publish('documents', 'not waited for at all')
    } finally {
      redis.resume()
    }
    await expect
      .poll(() => [ann.node.trouble(), bob.node.trouble()], { timeout: 10_000 })
      .toEqual([undefined, undefined])
    await expect.poll(bob.gaps).toBeGreaterThan(0)
    await ann.node.publish('documents', 'after')
    await expect.poll(() => heard.at(-1)).toBe('after')
  })

  test('closing does not wait for a frozen Redis', async () => {
    const started = await startNodes(1)
    redis.pause()
    try {
      await started[Symbol.asyncDispose]()
    } finally {
      redis.resume()
    }
  })

  test('what does not fit in the queue for Redis is not kept, and the others learn that they missed it', async () => {
    await using started = await startNodes(2)
    const [ann, bob] = started.two
    const large = 'x'.repeat(12 * 1024 ** 2)
    redis.pause()
    try {
      const began = performance.now()
      await Promise.all(Array.from({ length: 20 }, () => ann.node.publish('documents', large)))
      expect(performance.now() - began).toBeLessThan(A_MOMENT_MS)
      expect(ann.node.trouble()).toBeDefined()
    } finally {
      redis.resume()
    }
    await expect.poll(bob.gaps, { timeout: 10_000 }).toBeGreaterThan(0)
  })

  test('Redis is not there at the start: the node runs alone, and hears the others once it is', async () => {
    const lines: { level: string; msg: string }[] = []
    const log = pino({ formatters: { level: (level) => ({ level }) } }, sinkOf(lines))
    await redis.kill()
    const { backplane } = await openBackplane({ BACKPLANE_URL: redis.url }, log, { prefix: 'alone' })
    try {
      const heard: string[] = []
      let gaps = 0
      backplane.subscribe('documents', (text) => heard.push(text))
      backplane.onGap(() => gaps++)
      await backplane.publish('documents', 'alone')
      expect(heard).toEqual(['alone'])
      expect(backplane.trouble()).toContain(`ECONNREFUSED 127.0.0.1:${redis.port}`)

      await redis.start()

      await expect.poll(() => backplane.trouble(), { timeout: 10_000 }).toBeUndefined()
      await expect.poll(() => gaps).toBe(1)
      expect(lines).toMatchObject([
        { level: 'error', msg: 'other nodes are not heard' },
        { level: 'info', msg: 'other nodes are heard again' },
      ])
    } finally {
      await backplane.close()
    }
  })

  test('a wrong password is told without the password', async () => {
    const url = `redis://somebody:very-secret@127.0.0.1:${redis.port}`
    const node = new RedisBackplane({ url, prefix: 'refused', ...QUICK })
    try {
      await expect.poll(() => node.trouble()).toContain('WRONGPASS')
      expect(node.trouble()).not.toContain('very-secret')
    } finally {
      await node.close()
    }
  })
})

test('without Redis configured a node is alone', async () => {
  const opened = await openBackplane({ BACKPLANE_URL: 'memory:' }, pino({ level: 'silent' }), {
    prefix: 'alone',
  })
  expect(opened.redis).toBeUndefined()
  expect(opened.backplane.trouble()).toBeUndefined()
})

/** Nodes of an installation of its own. */
async function startNodes(count: number, options: Partial<RedisBackplaneOptions> = {}) {
  installations += 1
  const prefix = `installation-${installations}`
  const nodes = Array.from({ length: count }, () => {
    const states: (string | undefined)[] = []
    const onState = (trouble: string | undefined) => void states.push(trouble)
    const node = new RedisBackplane({
      url: redis.url,
      prefix,
      onError: () => {},
      onState,
      ...QUICK,
      ...options,
    })
    let gaps = 0
    return { node, prefix, states, gaps: () => gaps, count: () => node.onGap(() => gaps++) }
  })
  await Promise.all(nodes.map(({ node }) => node.connected(5000)))
  // What belongs to the start is over.
  await delay(150)
  for (const { count } of nodes) count()
  const [first, second = first] = nodes
  if (first === undefined || second === undefined) throw new Error('no nodes')
  return {
    nodes,
    one: [first] as const,
    two: [first, second] as const,
    async [Symbol.asyncDispose]() {
      await Promise.all(nodes.map(({ node }) => node.close()))
    },
  }
}

function listen(node: RedisBackplane): string[] {
  const heard: string[] = []
  node.subscribe('documents', (text) => heard.push(text))
  return heard
}

function sinkOf(lines: unknown[]): Writable {
  return new Writable({
    write(line, _encoding, done) {
      lines.push(JSON.parse(String(line)))
      done()
    },
  })
}
