import { createHash, randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import type { S3Blobs } from '../../src/blobs/s3.ts'
import type { BlobRef } from '../../src/core/ports.ts'
import { isProblem } from '../../src/errors.ts'
import { all, inPieces, sha256 } from './blobs.ts'
import { startFaultyProxy } from './blobs-faulty-proxy.ts'
import { CACHE_BYTES, collector, describeS3, flipped, sent } from './blobs-s3.ts'

const MIB = 1024 * 1024
const NO_LIMIT = { maxBytes: Number.MAX_SAFE_INTEGER }

describeS3((s3) => {
  describe('S3: failures', () => {
    test('a wrong secret is "storage unavailable" and shows neither keys nor signatures', async () => {
      process.env.AWS_SECRET_ACCESS_KEY = 'wrong-wrong-wrong'
      await using subject = await s3.subject()
      try {
        await expectUnavailable(subject.store, { sha256: sha256(Buffer.from('x')), size: 1 })

        const refusal = await subject.store.get(sha256(Buffer.from('x'))).catch((error: unknown) => error)
        const shown = inspect(refusal, { depth: 20, showHidden: true })
        expect(shown).toContain('SignatureDoesNotMatch')
        for (const secret of [
          'wrong-wrong-wrong',
          'test:tester',
          'AWS4-HMAC',
          'StringToSign',
          s3.swift.endpoint,
        ]) {
          expect(shown).not.toContain(secret)
        }
      } finally {
        Object.assign(process.env, s3.swift.credentials)
      }
    })

    test('a bucket that is missing is "storage unavailable", never "blob missing"', async () => {
      await using subject = await s3.subject({ bucket: 'nobody-made-this' })
      await expectUnavailable(subject.store, { sha256: sha256(Buffer.from('x')), size: 1 })
      expect(await readdir(join(subject.root, 'tmp'))).toEqual([])
    })

    test('S3 that refuses connections is "storage unavailable" until it is back', async () => {
      await using subject = await s3.subject({ cacheBytes: 0 })
      const bytes = randomBytes(1000)
      const blob = await subject.store.put(inPieces(bytes), NO_LIMIT)
      expect(await subject.store.isReachable()).toBe(true)

      await s3.swift.refuse()
      try {
        await expectUnavailable(subject.store, blob)
        expect(await readdir(join(subject.root, 'tmp'))).toEqual([])
        const source = inPieces(randomBytes(1000))
        await subject.store.put(source, NO_LIMIT).catch(() => {})
        expect(source.destroyed).toBe(true)
      } finally {
        await s3.swift.resume()
      }

      expect(await subject.store.isReachable()).toBe(true)
      expect(bytes.equals(await sent(subject.store, blob))).toBe(true)
    })

    test('what is in the cache is served while S3 is away', async () => {
      await using subject = await s3.subject()
      const bytes = randomBytes(300_000)
      const blob = await subject.store.put(inPieces(bytes), NO_LIMIT)

      await s3.swift.refuse()
      try {
        expect(bytes.equals(await sent(subject.store, blob))).toBe(true)
        expect(bytes.equals(await buffer(await subject.store.get(blob.sha256)))).toBe(true)
        await using opened = await subject.store.open(blob.sha256)
        expect(opened.size).toBe(bytes.length)
      } finally {
        await s3.swift.resume()
      }
    })

    test('a bucket that does not answer is known to be out of reach after seconds', async () => {
      await using subject = await s3.subject()
      s3.swift.pause()
      try {
        expect(await subject.store.isReachable()).toBe(false)
      } finally {
        await s3.swift.resume()
      }
      expect(await subject.store.isReachable()).toBe(true)
    })

    test.each([
      ['with', CACHE_BYTES],
      ['without', 0],
    ])('answers cut off in the middle are gone on with, %s a cache', async (_, cacheBytes) => {
      await using proxy = await startFaultyProxy(s3.swift.endpoint)
      await using subject = await s3.subject({ endpoint: proxy.url, cacheBytes })
      const bytes = randomBytes(4 * MIB)
      const blob = await subject.store.put(inPieces(bytes), NO_LIMIT)
      const store = await subject.another()
      proxy.fate = ({ method }) => (method === 'GET' ? { cutAfter: 1_500_000 } : undefined)

      const part = await sent(store, blob, { start: 100, end: 3 * MIB })
      const whole = await buffer(await (await subject.another()).get(blob.sha256))

      expect(part.equals(bytes.subarray(100, 3 * MIB + 1))).toBe(true)
      expect(bytes.equals(whole)).toBe(true)
      expect(proxy.requests.filter((line) => line.startsWith('GET')).length).toBeGreaterThan(4)
    })

    test.each([
      ['with', CACHE_BYTES],
      ['without', 0],
    ])('answers that bring nothing fail before the first byte, %s a cache', async (_, cacheBytes) => {
      await using proxy = await startFaultyProxy(s3.swift.endpoint)
      await using subject = await s3.subject({ endpoint: proxy.url, cacheBytes })
      const blob = await subject.store.put(inPieces(randomBytes(MIB)), NO_LIMIT)
      const store = await subject.another()
      proxy.fate = ({ method }) => (method === 'GET' ? { cutAfter: 0 } : undefined)

      const { sink, received } = collector()
      await expect(store.send(blob, undefined, sink)).rejects.toMatchObject({ code: 'storage-unavailable' })
      const reading = store.get(blob.sha256).then(buffer)
      await expect(reading).rejects.toMatchObject({ code: 'storage-unavailable' })

      expect(received()).toHaveLength(0)
      expect(await subject.leftovers()).toEqual([])
    })

    test('when S3 goes away in the middle of sending, the sink is destroyed, not ended', async () => {
      await using proxy = await startFaultyProxy(s3.swift.endpoint)
      await using subject = await s3.subject({ endpoint: proxy.url, cacheBytes: 0 })
      const bytes = randomBytes(3 * MIB)
      const blob = await subject.store.put(inPieces(bytes), NO_LIMIT)
      let answers = 0
      proxy.fate = ({ method }) => {
        if (method !== 'GET') return undefined
        answers += 1
        return answers === 1 ? { cutAfter: MIB } : { status: 503 }
      }
      const { sink, received } = collector()

      await subject.store.send(blob, undefined, sink)

      expect(sink.destroyed).toBe(true)
      expect(sink.writableFinished).toBe(false)
      expect(received().equals(bytes.subarray(0, received().length))).toBe(true)
      expect(received().length).toBeLessThan(bytes.length)
    })

    test('a reader that goes away leaves no connection waiting', async () => {
      await using subject = await s3.subject({ cacheBytes: 0 })
      const blob = await subject.store.put(inPieces(randomBytes(12 * MIB)), NO_LIMIT)
      const reading = await subject.store.get(blob.sha256)
      for await (const _ of reading) break
      expect(reading.destroyed).toBe(true)

      const sink = new Writable({ write: (_chunk, _encoding, done) => void setImmediate(done) })
      const sending = subject.store.send(blob, undefined, sink)
      await sleep(50)
      sink.destroy()
      await sending
    })
  })

  describe('S3: sending', () => {
    describe.each([
      ['with a cache', CACHE_BYTES],
      ['without a cache', 0],
    ])('%s', (_, cacheBytes) => {
      test.each([
        ['of another content', (bytes: Buffer) => randomBytes(bytes.length)],
        ['with one bit turned', flipped],
        ['cut short', (bytes: Buffer) => bytes.subarray(0, -1)],
        ['grown', (bytes: Buffer) => Buffer.concat([bytes, Buffer.from('x')])],
        ['empty', () => Buffer.alloc(0)],
      ])('an object that is %s is never sent, and whole again once stored again', async (_, damage) => {
        await using subject = await s3.subject({ cacheBytes })
        const bytes = randomBytes(200_000)
        const blob = await subject.store.put(inPieces(bytes), NO_LIMIT)
        await subject.overwrite(blob.sha256, damage(bytes))
        const store = await subject.another()

        for (const range of [undefined, { start: 0, end: 10 }, { start: 5, end: 150_000 }]) {
          const { sink, received } = collector()
          await expect(store.send(blob, range, sink)).rejects.toMatchObject({ code: 'blob-missing' })
          expect(received()).toHaveLength(0)
        }
        expect(await subject.leftovers()).toEqual([])

        await store.put(inPieces(bytes), NO_LIMIT)
        expect(bytes.equals(await sent(await subject.another(), blob))).toBe(true)
        expect(bytes.equals(await sent(store, blob))).toBe(true)
      })

      test.each([
        ['all', undefined],
        ['the first byte', { start: 0, end: 0 }],
        ['a large middle', { start: 1000, end: 2_900_000 }],
        ['the end, and more', { start: 2_999_990, end: 9_000_000 }],
      ])('%s comes out as it went in', async (_, range) => {
        await using subject = await s3.subject({ cacheBytes })
        const bytes = randomBytes(3_000_000)
        const blob = await subject.store.put(inPieces(bytes), NO_LIMIT)
        for (const store of [subject.store, await subject.another()]) {
          const expected = range ? bytes.subarray(range.start, range.end + 1) : bytes
          expect((await sent(store, blob, range)).equals(expected)).toBe(true)
          expect((await sent(store, blob, range)).equals(expected)).toBe(true)
        }
      })

      test('an empty blob is sent, a range of it is not', async () => {
        await using subject = await s3.subject({ cacheBytes })
        const blob = await subject.store.put(Readable.from([]), NO_LIMIT)
        const store = await subject.another()
        expect(await sent(store, blob)).toHaveLength(0)
        await expect(sent(store, blob, { start: 0, end: 0 })).rejects.toMatchObject({
          code: 'range-not-satisfiable',
        })
      })
    })

    test('an object damaged after it was found whole is not sent from S3', async () => {
      await using subject = await s3.subject({ cacheBytes: 0 })
      const bytes = randomBytes(200_000)
      const blob = await subject.store.put(inPieces(bytes), NO_LIMIT)
      expect(bytes.equals(await sent(subject.store, blob))).toBe(true)

      await subject.overwrite(blob.sha256, flipped(bytes))

      const { sink, received } = collector()
      await expect(subject.store.send(blob, undefined, sink)).rejects.toMatchObject({ code: 'blob-missing' })
      expect(received()).toHaveLength(0)
    })

    test('an object read by many at once is fetched once', async () => {
      await using proxy = await startFaultyProxy(s3.swift.endpoint)
      await using subject = await s3.subject({ endpoint: proxy.url })
      const bytes = randomBytes(MIB)
      const blob = await subject.store.put(inPieces(bytes), NO_LIMIT)
      const store = await subject.another()
      proxy.requests.length = 0

      const all = await Promise.all(Array.from({ length: 20 }, () => sent(store, blob)))

      expect(all.every((one) => one.equals(bytes))).toBe(true)
      expect(proxy.requests).toHaveLength(1)
    })

    test.each(['send', 'get'] as const)(
      'by %s a reader that rests stops S3, and then gets every byte',
      async (how) => {
        await using proxy = await startFaultyProxy(s3.swift.endpoint)
        await using subject = await s3.subject({ endpoint: proxy.url, cacheBytes: 0 })
        const bytes = randomBytes(60 * MIB)
        const blob = await subject.store.put(inPieces(bytes), NO_LIMIT)
        proxy.taken = 0
        const rest = Promise.withResolvers<void>()
        const hash = createHash('sha256')
        const sink = new Writable({
          highWaterMark: 64 * 1024,
          write: (chunk: Buffer, _encoding, done) => {
            hash.update(chunk)
            rest.promise.then(() => done())
          },
        })

        const sending =
          how === 'send'
            ? subject.store.send(blob, undefined, sink)
            : subject.store.get(blob.sha256).then((reading) => pipeline(reading, sink))
        await untilSteady(() => proxy.taken)
        expect(proxy.taken).toBeGreaterThan(0)
        expect(proxy.taken).toBeLessThan(30 * MIB)

        rest.resolve()
        await sending
        expect(hash.digest('hex')).toBe(blob.sha256)
        expect(proxy.taken).toBe(60 * MIB)
      },
    )
  })
})

/** Every method that asks S3. */
function calls(store: S3Blobs, { sha256, size }: BlobRef): Record<string, () => Promise<unknown>> {
  return {
    put: () => store.put(inPieces(randomBytes(1000)), NO_LIMIT),
    'put of several parts': () => store.put(inPieces(randomBytes(9 * MIB)), NO_LIMIT),
    get: () => store.get(sha256),
    'get of a range': () => store.get(sha256, { start: 1, end: 2 }),
    open: () => store.open(sha256),
    send: () => store.send({ sha256, size }, undefined, collector().sink),
    list: () => all(store.list()),
    delete: () => store.delete(sha256),
    'delete of an old one': () => store.delete(sha256, new Date()),
    removeLeftovers: () => store.removeLeftovers(),
  }
}

async function expectUnavailable(store: S3Blobs, blob: BlobRef) {
  for (const [name, call] of Object.entries(calls(store, blob))) {
    const outcome = await call().catch((error: unknown) => error)
    expect(isProblem(outcome, 'storage-unavailable'), `${name}: ${inspect(outcome)}`).toBe(true)
  }
  expect(await store.isReachable()).toBe(false)
}

/** Resolves when a number has been the same for half a second, after it was more than 0. */
async function untilSteady(read: () => number): Promise<void> {
  for (let last = -1, same = 0; same < 10; ) {
    await sleep(50)
    same = read() === last && last > 0 ? same + 1 : 0
    last = read()
  }
}
