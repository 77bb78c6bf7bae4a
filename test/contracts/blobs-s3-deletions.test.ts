import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { type Deletions, NO_DELETIONS } from '../../src/blobs/deletions.ts'
import { S3Blobs } from '../../src/blobs/s3.ts'
import type { S3Address } from '../../src/blobs/s3-address.ts'
import { inPieces } from './blobs.ts'
import { startFaultyProxy } from './blobs-faulty-proxy.ts'
import { CACHE_BYTES, describeS3 } from './blobs-s3.ts'

const NO_LIMIT = { maxBytes: Number.MAX_SAFE_INTEGER }
const later = () => new Date(Date.now() + 60_000)

/** As all processes of an installation know them. */
function deletionsOfAll(): Deletions & { known: Set<string> } {
  const known = new Set<string>()
  return {
    known,
    async begin(sha256) {
      if (known.has(sha256)) return undefined
      known.add(sha256)
      return async () => void known.delete(sha256)
    },
    isUnderWay: async (sha256) => known.has(sha256),
  }
}

/** Says that a request was signed half an hour ago. Source: Amazon S3, Error responses, RequestTimeTooSkewed. */
const TOO_SKEWED = `<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>RequestTimeTooSkewed</Code><Message>The difference is too large.</Message></Error>`

describeS3((s3) => {
  /** Another process, whose requests nothing holds back. */
  const openBeside = ({ address, root }: { address: S3Address; root: string }, deletions: Deletions) =>
    S3Blobs.open({
      address: { ...address, endpoint: s3.swift.endpoint },
      root: join(root, 'other'),
      cacheBytes: CACHE_BYTES,
      deletions,
    })

  test('bytes that another process stores while they are being deleted are there afterwards', async () => {
    await using proxy = await startFaultyProxy(s3.swift.endpoint)
    const deletions = deletionsOfAll()
    await using one = await s3.subject({ endpoint: proxy.url, deletions })
    const other = await openBeside(one, deletions)
    const bytes = randomBytes(5000)
    const { sha256 } = await one.store.put(inPieces(bytes), NO_LIMIT)
    const [looked, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    proxy.fate = ({ method }) => {
      if (method !== 'DELETE') return undefined
      looked.resolve()
      return { heldUntil: goOn.promise }
    }

    const deleted = one.store.delete(sha256, later())
    await looked.promise
    const stored = other.put(inPieces(bytes), NO_LIMIT)
    expect(await Promise.race([stored, sleep(700, 'waits')])).toBe('waits')
    goOn.resolve()
    await Promise.all([deleted, stored])

    const third = await one.another()
    expect(await buffer(await third.get(sha256))).toEqual(bytes)
    await third.close()
    expect([...deletions.known]).toEqual([])
    await other.close()
  })

  test('while one process deletes, another leaves the same bytes to it', async () => {
    await using proxy = await startFaultyProxy(s3.swift.endpoint)
    const deletions = deletionsOfAll()
    await using one = await s3.subject({ endpoint: proxy.url, deletions })
    const other = await openBeside(one, deletions)
    const { sha256 } = await one.store.put(inPieces(randomBytes(100)), NO_LIMIT)
    const [looked, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    proxy.fate = ({ method }) => {
      if (method !== 'DELETE') return undefined
      looked.resolve()
      return { heldUntil: goOn.promise }
    }
    const deleted = one.store.delete(sha256, later())
    await looked.promise
    await other.delete(sha256, later())
    // Else its end would have told that none is under way.
    expect([...deletions.known]).toEqual([sha256])
    goOn.resolve()
    await deleted
    expect([...deletions.known]).toEqual([])
    await other.close()
  })

  test('bytes that were stored before the look are young: the deletion leaves them', async () => {
    const deletions = deletionsOfAll()
    await using subject = await s3.subject({ deletions })
    const bytes = randomBytes(100)
    const { sha256 } = await subject.store.put(inPieces(bytes), NO_LIMIT)
    await subject.store.delete(sha256, new Date(Date.now() - 3_600_000))
    expect(await buffer(await subject.store.get(sha256))).toEqual(bytes)
    expect([...deletions.known]).toEqual([])
  })

  test('a deletion that S3 finds signed too long ago is not signed anew', async () => {
    const asked: string[] = []
    const halfAnHourOn = () => new Date(Date.now() + 30 * 60_000).toUTCString()
    const server = createServer(({ method = '' }, response) => {
      asked.push(method)
      response.setHeader('Date', halfAnHourOn())
      if (method === 'HEAD') {
        response.setHeader('Last-Modified', new Date(0).toUTCString())
        response.setHeader('ETag', '"one"')
        response.setHeader('Content-Length', '5').end()
      } else response.writeHead(403, { 'Content-Type': 'application/xml' }).end(TOO_SKEWED)
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const deletions = deletionsOfAll()
    const { port } = server.address() as AddressInfo
    await using subject = await s3.subject({ endpoint: `http://127.0.0.1:${port}`, deletions })
    await expect(subject.store.delete('a'.repeat(64), later())).rejects.toMatchObject({
      code: 'storage-unavailable',
    })
    expect(asked).toEqual(['HEAD', 'DELETE'])
    expect([...deletions.known]).toEqual(['a'.repeat(64)])
    server.close()
  })

  test('a look that failed has begun nothing', async () => {
    await using proxy = await startFaultyProxy(s3.swift.endpoint)
    const deletions = deletionsOfAll()
    await using subject = await s3.subject({ endpoint: proxy.url, deletions })
    const { sha256 } = await subject.store.put(inPieces(randomBytes(100)), NO_LIMIT)
    proxy.fate = ({ method }) => (method === 'HEAD' ? { status: 403 } : undefined)
    await expect(subject.store.delete(sha256, later())).rejects.toMatchObject({ code: 'storage-unavailable' })
    expect([...deletions.known]).toEqual([])
  })

  test('nothing is deleted where another installation’s blobs are, also if that could not be asked at first', async () => {
    await using proxy = await startFaultyProxy(s3.swift.endpoint)
    await using subject = await s3.subject({ endpoint: proxy.url })
    const first = await openBeside(subject, NO_DELETIONS)
    const { sha256 } = await first.put(inPieces(randomBytes(100)), NO_LIMIT)
    await first.claim('first')
    proxy.fate = () => ({ status: 403 })
    await expect(subject.store.claim('second')).rejects.toMatchObject({ code: 'storage-unavailable' })
    proxy.fate = () => undefined
    await expect(subject.store.delete(sha256)).rejects.toThrow('another installation')
    expect((await buffer(await first.get(sha256))).byteLength).toBe(100)
    await first.delete(sha256)
    await first.close()
  })

  test('a deletion that failed counts as under way, and whoever stores the same bytes is told to come back', async () => {
    await using proxy = await startFaultyProxy(s3.swift.endpoint)
    const deletions = deletionsOfAll()
    await using subject = await s3.subject({ endpoint: proxy.url, deletions })
    const bytes = randomBytes(100)
    const { sha256 } = await subject.store.put(inPieces(bytes), NO_LIMIT)
    proxy.fate = ({ method }) => (method === 'DELETE' ? { status: 403 } : undefined)
    await expect(subject.store.delete(sha256, later())).rejects.toMatchObject({ code: 'storage-unavailable' })
    expect([...deletions.known]).toEqual([sha256])
    await expect(subject.store.put(inPieces(bytes), NO_LIMIT)).rejects.toMatchObject({
      code: 'storage-unavailable',
      retryAfterS: 30,
    })
    deletions.known.clear()
    await subject.store.put(inPieces(bytes), NO_LIMIT)
  })
})
