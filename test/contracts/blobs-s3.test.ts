import { randomBytes, randomUUID } from 'node:crypto'
import { appendFile, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { CreateMultipartUploadCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { describe, expect, test } from 'vitest'
import { DiskBlobs } from '../../src/blobs/disk.ts'
import { openBlobs } from '../../src/blobs/open-blobs.ts'
import { S3Blobs } from '../../src/blobs/s3.ts'
import { S3Bucket } from '../../src/blobs/s3-bucket.ts'
import { S3Uploads } from '../../src/blobs/s3-uploads.ts'
import type { BlobRef } from '../../src/core/ports.ts'
import { all, blobStoreContract, inPieces, noise, watchMemory } from './blobs.ts'
import { startFaultyProxy } from './blobs-faulty-proxy.ts'
import { BUCKET, describeS3, flipped, openUploads, sent } from './blobs-s3.ts'

const MIB = 1024 * 1024
const NO_LIMIT = { maxBytes: Number.MAX_SAFE_INTEGER }

describeS3((s3) => {
  blobStoreContract('S3 with a cache', () => s3.subject())
  blobStoreContract('S3 without a cache', () => s3.subject({ cacheBytes: 0 }))

  describe('S3: storing', () => {
    test('an upload whose third part is refused leaves nothing', async () => {
      await using proxy = await startFaultyProxy(s3.swift.endpoint)
      await using subject = await s3.subject({ endpoint: proxy.url })
      proxy.fate = ({ url = '' }) => (url.includes('partNumber=3') ? { status: 500 } : undefined)
      const source = inPieces(randomBytes(30 * MIB))

      await expect(subject.store.put(source, NO_LIMIT)).rejects.toMatchObject({ code: 'storage-unavailable' })

      const tries = proxy.requests.filter((line) => line.includes('partNumber=3'))
      expect(tries).toHaveLength(3)
      expect(await all(subject.store.list())).toEqual([])
      expect(await subject.leftovers()).toEqual([])
      expect(await subject.cached()).toEqual([])
      expect(source.destroyed).toBe(true)
    })

    test('an upload that can neither go on nor be aborted is never listed, and goes when it is old', async () => {
      await using proxy = await startFaultyProxy(s3.swift.endpoint)
      await using subject = await s3.subject({ endpoint: proxy.url })
      let isGone = false
      proxy.fate = ({ url = '' }) => {
        isGone ||= url.includes('partNumber=2')
        return isGone ? { status: 500 } : undefined
      }

      const put = subject.store.put(inPieces(randomBytes(20 * MIB)), NO_LIMIT)
      await expect(put).rejects.toMatchObject({ code: 'storage-unavailable' })
      proxy.fate = () => undefined

      expect(await all(subject.store.list())).toEqual([])
      expect(await subject.leftovers()).toHaveLength(1)
      await subject.store.removeLeftovers()
      expect(await subject.leftovers()).toHaveLength(1)
      const uploads = new S3Uploads(new S3Bucket(subject.address))
      await uploads.abortOld(subject.address.prefix, new Date(Date.now() + 60_000))
      expect(await subject.leftovers()).toEqual([])
    })

    test('a place belongs to the installation that was there first', async () => {
      await using subject = await s3.subject()
      expect(await subject.store.claim('first')).toBe('first')
      const other = await subject.another()
      expect(await other.claim('second')).toBe('first')
      expect(await other.claim('first')).toBe('first')
      expect(await all(other.list())).toEqual([])
      await other.close()
    })

    test('uploads under another prefix are not ours to abort', async () => {
      await using subject = await s3.subject()
      const foreign = `foreign/${randomUUID()}`
      await subject.raw.send(new CreateMultipartUploadCommand({ Bucket: BUCKET, Key: foreign }))
      const uploads = new S3Uploads(new S3Bucket(subject.address))
      await uploads.abortOld(subject.address.prefix, new Date(Date.now() + 60_000))
      expect(await openUploads(subject.raw, foreign)).toEqual([foreign])
    })

    test('what an earlier process left in tmp and cache is removed at the start, blobs are not', async () => {
      await using subject = await s3.subject()
      const bytes = randomBytes(1000)
      const blob = await subject.store.put(inPieces(bytes), NO_LIMIT)
      for (const folder of ['tmp', 'cache']) await appendFile(join(subject.root, folder, 'left'), 'x')

      const store = await subject.another()
      await store.removeLeftovers()

      expect(await subject.leftovers()).toEqual([])
      expect(await subject.cached()).toEqual([])
      expect(bytes.equals(await sent(store, blob))).toBe(true)
    })

    test('200 MB need no more memory than a few parts', async () => {
      await using subject = await s3.subject()
      const memory = watchMemory()
      const rss = watchRss()

      const blob = await subject.store.put(Readable.from(memory.watched(noise(200 * MIB))), NO_LIMIT)

      expect(blob.size).toBe(200 * MIB)
      expect(memory.peakBytes()).toBeLessThan(32 * MIB)
      expect(rss.grownBytes()).toBeLessThan(120 * MIB)
      expect(await subject.leftovers()).toEqual([])
      expect((await all(subject.store.list())).map(({ size }) => size)).toEqual([200 * MIB])
    })

    test('ten files of 20 MB at once share the memory for parts', async () => {
      await using subject = await s3.subject({ cacheBytes: 0 })
      const rss = watchRss()
      const blobs = await Promise.all(
        Array.from({ length: 10 }, () => subject.store.put(Readable.from(noise(20 * MIB)), NO_LIMIT)),
      )
      expect(new Set(blobs.map((blob) => blob.sha256)).size).toBe(10)
      expect(rss.grownBytes()).toBeLessThan(150 * MIB)
    })

    test('the list has only blobs under our prefix', async () => {
      await using subject = await s3.subject()
      const blob = await subject.store.put(inPieces(randomBytes(10)), NO_LIMIT)
      const prefix = subject.address.prefix
      for (const Key of [
        `${prefix}blobs/README`,
        `${prefix}blobs/zz/${blob.sha256}`,
        `${prefix}blobs/${blob.sha256.slice(0, 2)}/${blob.sha256}.bak`,
        `${prefix}other/${blob.sha256.slice(0, 2)}/${blob.sha256}`,
      ]) {
        await subject.raw.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body: 'x' }))
      }
      expect((await all(subject.store.list())).map((listed) => listed.sha256)).toEqual([blob.sha256])
    })

    test('storing an old blob again makes it young, so the sweeper spares it', async () => {
      await using subject = await s3.subject()
      const bytes = randomBytes(100)
      await subject.store.put(inPieces(bytes), NO_LIMIT)
      const [first] = await all(subject.store.list())
      await sleep(1100)

      await subject.store.put(inPieces(bytes), NO_LIMIT)

      const [second] = await all(subject.store.list())
      expect(second?.storedAt.getTime()).toBeGreaterThan(first?.storedAt.getTime() ?? Number.NaN)
    })
  })

  describe('S3: cache', () => {
    test('it stays within its limit, what was read last stays, and all can still be read', async () => {
      const cacheBytes = MIB
      await using subject = await s3.subject({ cacheBytes })
      const contents = Array.from({ length: 12 }, () => randomBytes(200_000))
      const blobs: BlobRef[] = []
      for (const bytes of contents) {
        blobs.push(await subject.store.put(inPieces(bytes), NO_LIMIT))
        expect(await bytesIn(subject.root)).toBeLessThanOrEqual(cacheBytes)
      }
      expect(await subject.cached()).toHaveLength(5)

      for (const [i, blob] of blobs.entries()) {
        expect((await sent(subject.store, blob)).equals(contents[i] ?? Buffer.alloc(0))).toBe(true)
        expect(await bytesIn(subject.root)).toBeLessThanOrEqual(cacheBytes)
        expect(await subject.cached()).toContain(blob.sha256)
      }
    })

    test('a file that is larger than the cache does not empty it', async () => {
      await using subject = await s3.subject({ cacheBytes: MIB })
      const small = await subject.store.put(inPieces(randomBytes(1000)), NO_LIMIT)
      const bytes = randomBytes(2 * MIB)
      const large = await subject.store.put(inPieces(bytes), NO_LIMIT)

      expect(bytes.equals(await sent(subject.store, large))).toBe(true)
      expect(await subject.cached()).toEqual([small.sha256])
      expect(await subject.leftovers()).toEqual([])
    })

    test('a limit of 0 keeps nothing', async () => {
      await using subject = await s3.subject({ cacheBytes: 0 })
      const blob = await subject.store.put(inPieces(randomBytes(1000)), NO_LIMIT)
      await sent(subject.store, blob)
      expect(await subject.cached()).toEqual([])
      expect(await subject.leftovers()).toEqual([])
    })

    test.each([
      ['damaged', (path: string, bytes: Buffer) => writeFile(path, flipped(bytes))],
      ['cut short', (path: string, bytes: Buffer) => writeFile(path, bytes.subarray(0, 10))],
      ['removed', (path: string) => rm(path)],
    ])('a file of the cache that was %s is not served: S3 is asked', async (_, damage) => {
      await using subject = await s3.subject()
      const bytes = randomBytes(200_000)
      const { sha256: address, size } = await subject.store.put(inPieces(bytes), NO_LIMIT)
      const path = join(subject.root, 'cache', address)
      const uses = {
        send: () => sent(subject.store, { sha256: address, size }),
        get: async () => buffer(await subject.store.get(address)),
        open: async () => {
          await using opened = await subject.store.open(address)
          return opened.read(0, size)
        },
      }
      for (const [name, use] of Object.entries(uses)) {
        await sent(subject.store, { sha256: address, size })
        await damage(path, bytes)
        expect(bytes.equals(await use()), name).toBe(true)
      }
    })

    test('one who is reading is not disturbed when others drive the file out', async () => {
      await using subject = await s3.subject({ cacheBytes: 3 * MIB })
      const bytes = randomBytes(2 * MIB)
      const blob = await subject.store.put(inPieces(bytes), NO_LIMIT)
      const reading = await subject.store.get(blob.sha256)

      await subject.store.put(inPieces(randomBytes(2 * MIB)), NO_LIMIT)

      expect(await subject.cached()).not.toContain(blob.sha256)
      expect(bytes.equals(await buffer(reading))).toBe(true)
    })
  })

  test('BLOBS_URL picks the storage', async () => {
    const root = await mkdtemp(join(tmpdir(), 'blobs-s3-'))
    const config = { DATA_DIR: root, BLOB_CACHE_BYTES: 1000 }
    try {
      const url = await s3.swift.makeBucket('picked')
      const remote = await openBlobs({ ...config, BLOBS_URL: url })
      const local = await openBlobs({ ...config, BLOBS_URL: `file:${root}` })
      expect(remote).toBeInstanceOf(S3Blobs)
      expect(local).toBeInstanceOf(DiskBlobs)
      for (const blobs of [remote, local]) {
        expect(await blobs.isReachable()).toBe(true)
        await blobs.put(Readable.from([Buffer.from('x')]), NO_LIMIT)
        expect(await all(blobs.list())).toHaveLength(1)
        await blobs.removeLeftovers()
        await blobs.close()
      }
      await rm(join(root, 'blobs'), { recursive: true })
      expect(await local.isReachable()).toBe(false)
      await expect(openBlobs({ ...config, BLOBS_URL: 's3://x' })).rejects.toThrow(/^BLOBS_URL: /)
    } finally {
      await rm(root, { recursive: true })
    }
  })
})

async function bytesIn(root: string): Promise<number> {
  const folder = join(root, 'cache')
  const sizes = (await readdir(folder)).map(async (name) => (await stat(join(folder, name))).size)
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}

/** How far the process grows while something runs. */
function watchRss() {
  const idle = process.memoryUsage.rss()
  let peak = idle
  const timer = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss())
  }, 20)
  return {
    grownBytes: () => {
      clearInterval(timer)
      return peak - idle
    },
  }
}
