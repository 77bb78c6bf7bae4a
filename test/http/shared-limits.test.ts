import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { RedisBackplane } from '../../src/backplane/redis.ts'
import { isProblem } from '../../src/errors.ts'
import { createLimits, type Limits } from '../../src/http/limits.ts'
import { isRedisInstalled, startRedis, type TestRedis } from '../support/redis.ts'

const MOST = { RATE_LIMIT_MAX: 5, AUTH_RATE_LIMIT_MAX: 3 }

let redis: TestRedis
let installations = 0

describe.skipIf(!isRedisInstalled)('limits on Redis (left out where redis-server is not installed)', () => {
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis[Symbol.asyncDispose]())

  test('requests to all nodes count together, and the answer says what is left', async () => {
    await using nodes = await startNodes()
    const answers: [number, string | null][] = []
    for (let at = 0; at < 7; at += 1) {
      const answer = await fetch(`${nodes.urls[at % 2]}/`)
      answers.push([answer.status, answer.headers.get('ratelimit')?.match(/remaining=(\d+)/)?.[1] ?? null])
    }
    expect(answers.map(([status]) => status)).toEqual([200, 200, 200, 200, 200, 429, 429])
    expect(answers.map(([, left]) => left)).toEqual(['4', '3', '2', '1', '0', '0', '0'])
  })

  test('failures to get in are counted by all nodes, also for what is no request to Express', async () => {
    await using nodes = await startNodes()
    const [one, other] = nodes.limits
    for (let at = 0; at < 2; at += 1) await one.failed.note('198.51.100.7')
    await other.failed.note('198.51.100.7')
    for (const { failed } of [one, other]) expect(await isLimited(failed, '198.51.100.7')).toBe(true)
    expect(await isLimited(other.failed, '198.51.100.8')).toBe(false)
    const statuses = []
    for (let at = 0; at < 5; at += 1) statuses.push((await fetch(`${nodes.urls[at % 2]}/closed`)).status)
    expect(statuses).toEqual([401, 401, 401, 429, 429])
  })

  test.each(['killed', 'frozen'] as const)('while Redis is %s each node counts by itself', async (how) => {
    await using nodes = await startNodes()
    const [one, other] = nodes.limits
    for (let at = 0; at < 2; at += 1) await one.failed.note('198.51.100.7')
    if (how === 'killed') await redis.kill()
    else redis.pause()
    try {
      const began = performance.now()
      expect(await isLimited(one.failed, '198.51.100.7')).toBe(false)
      await one.failed.note('198.51.100.7')
      // What was counted here before is not forgotten.
      expect(await isLimited(one.failed, '198.51.100.7')).toBe(true)
      for (let at = 0; at < 3; at += 1) await other.failed.note('198.51.100.7')
      expect(await isLimited(other.failed, '198.51.100.7')).toBe(true)
      const statuses = []
      for (let at = 0; at < 7; at += 1) statuses.push((await fetch(`${nodes.urls[0]}/`)).status)
      expect(statuses).toEqual([200, 200, 200, 200, 200, 429, 429])
      expect(performance.now() - began).toBeLessThan(5000)
    } finally {
      if (how === 'killed') await redis.start()
      else redis.resume()
    }
    // Redis has forgotten, and is counted in again.
    await expect
      .poll(
        async () => {
          await one.failed.note('198.51.100.9')
          return isLimited(other.failed, '198.51.100.9')
        },
        { timeout: 20_000 },
      )
      .toBe(true)
    expect(await isLimited(one.failed, '198.51.100.7')).toBe(true)
  })

  test('a Redis that was not there at the start is counted in once it is', async () => {
    await redis.kill()
    await using nodes = await startNodes({ waits: false })
    const [one, other] = nodes.limits
    await one.failed.note('198.51.100.7')
    await redis.start()
    await expect
      .poll(
        async () => {
          await one.failed.note('198.51.100.9')
          return isLimited(other.failed, '198.51.100.9')
        },
        { timeout: 20_000 },
      )
      .toBe(true)
  })
})

async function isLimited({ demandFew }: Limits['failed'], address: string): Promise<boolean> {
  try {
    await demandFew(address)
    return false
  } catch (error) {
    if (isProblem(error, 'too-many-requests')) return true
    throw error
  }
}

/** Two nodes of an installation of its own. */
async function startNodes({ waits = true } = {}) {
  installations += 1
  const prefix = `limits-${installations}`
  const start = async () => {
    const backplane = new RedisBackplane({ url: redis.url, prefix, pingEveryMs: 50, patienceMs: 300 })
    if (waits) await backplane.connected(5000)
    const limits = createLimits(MOST, { prefix, command: (...words) => backplane.command(...words) })
    const app = express()
    app.get('/', limits.requests, (_request, response) => void response.send('welcome'))
    app.get('/closed', limits.failures, (_request, response) => void response.status(401).send('no'))
    app.use(
      ((_error, _request, response, _next) =>
        void response.status(429).send('')) satisfies express.ErrorRequestHandler,
    )
    const server = createServer(app).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    return { backplane, limits, server, url }
  }
  const [one, other] = [await start(), await start()]
  return {
    limits: [one.limits, other.limits] as const,
    urls: [one.url, other.url] as const,
    async [Symbol.asyncDispose]() {
      for (const { backplane, server } of [one, other]) {
        server.closeAllConnections()
        server.close()
        await backplane.close()
      }
    },
  }
}
