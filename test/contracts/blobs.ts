import { createHash, randomBytes } from 'node:crypto'
import { PassThrough, Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import type { BlobStore, StoredBlob } from '../../src/core/ports.ts'
import { Problem } from '../../src/errors.ts'

export type BlobStoreSubject = AsyncDisposable & {
  /** Empty. */
  store: BlobStore
  /** What unfinished puts left behind outside the list (temporary files, open multipart uploads). */
  leftovers: () => Promise<string[]>
}

const MIB = 1024 * 1024
const NO_LIMIT = { maxBytes: Number.MAX_SAFE_INTEGER }
const NOBODY = createHash('sha256').update('nobody stored this').digest('hex')

/** What every BlobStore promises. */
export function blobStoreContract(name: string, make: () => Promise<BlobStoreSubject>) {
  describe(`${name}: blobs`, () => {
    test.each([
      ['a few bytes', 5],
      ['100 KB', 100_000],
      ['exactly 1 MiB', MIB],
      ['one byte more than 1 MiB', MIB + 1],
      ['several MiB', 5 * MIB + 123],
    ])('%s come back as they went in, addressed by their SHA-256', async (_, size) => {
      await using subject = await make()
      const bytes = randomBytes(size)

      const blob = await subject.store.put(inPieces(bytes), NO_LIMIT)

      expect(blob).toEqual({ sha256: sha256(bytes), size })
      expect(bytes.equals(await buffer(await subject.store.get(blob.sha256)))).toBe(true)
      expect(await subject.leftovers()).toEqual([])
    })

    test('an empty file is a blob too', async () => {
      await using subject = await make()

      const blob = await subject.store.put(Readable.from([]), { maxBytes: 0 })

      expect(blob).toEqual({ sha256: sha256(Buffer.alloc(0)), size: 0 })
      expect(await buffer(await subject.store.get(blob.sha256))).toHaveLength(0)
      await using opened = await subject.store.open(blob.sha256)
      expect(opened.size).toBe(0)
      expect(await opened.read(0, 10)).toHaveLength(0)
    })

    test('bytes that trickle in one at a time are stored in order', async () => {
      await using subject = await make()
      const bytes = randomBytes(2000)
      const source = Readable.from(
        (async function* () {
          for (let at = 0; at < bytes.length; at += 1) {
            if (at % 100 === 0) await nextTurn()
            yield bytes.subarray(at, at + 1)
          }
        })(),
      )

      const blob = await subject.store.put(source, NO_LIMIT)

      expect(bytes.equals(await buffer(await subject.store.get(blob.sha256)))).toBe(true)
    })

    test.each([100, MIB + 1])('a file of exactly the limit of %i bytes is stored', async (maxBytes) => {
      await using subject = await make()
      const blob = await subject.store.put(inPieces(randomBytes(maxBytes)), { maxBytes })
      expect(blob.size).toBe(maxBytes)
    })

    test.each([100, MIB + 1])('one byte more than the limit of %i keeps nothing', async (maxBytes) => {
      await using subject = await make()
      const source = inPieces(randomBytes(maxBytes + 1))

      await expect(subject.store.put(source, { maxBytes })).rejects.toMatchObject({
        code: 'upload-too-large',
      })

      await expectNothingKept(subject)
      expect(source.destroyed).toBe(true)
    })

    test('the same content twice is one blob', async () => {
      await using subject = await make()
      const bytes = randomBytes(100_000)

      const first = await subject.store.put(inPieces(bytes), NO_LIMIT)
      const second = await subject.store.put(inPieces(bytes), NO_LIMIT)

      expect(second).toEqual(first)
      expect(await all(subject.store.list())).toHaveLength(1)
      expect(bytes.equals(await buffer(await subject.store.get(first.sha256)))).toBe(true)
    })

    test('the same content 20 times at once is one blob', async () => {
      await using subject = await make()
      const bytes = randomBytes(300_000)

      const blobs = await Promise.all(
        Array.from({ length: 20 }, () => subject.store.put(inPieces(bytes), NO_LIMIT)),
      )

      expect(new Set(blobs.map((blob) => blob.sha256))).toEqual(new Set([sha256(bytes)]))
      expect(await all(subject.store.list())).toHaveLength(1)
      expect(bytes.equals(await buffer(await subject.store.get(sha256(bytes))))).toBe(true)
      expect(await subject.leftovers()).toEqual([])
    })

    test('different files stored at once do not mix', async () => {
      await using subject = await make()
      const contents = Array.from({ length: 20 }, (_, i) => randomBytes(50_000 + i * 70_000))

      const blobs = await Promise.all(contents.map((bytes) => subject.store.put(inPieces(bytes), NO_LIMIT)))

      expect(blobs.map((blob) => blob.sha256)).toEqual(contents.map(sha256))
      for (const bytes of contents) {
        expect(bytes.equals(await buffer(await subject.store.get(sha256(bytes))))).toBe(true)
      }
    })

    describe.each([
      ['small', 1000],
      ['large', 3 * MIB + 7],
    ])('a part of a %s file', (_, size) => {
      test.each([
        ['first byte', 0, 0],
        ['middle', 100, 599],
        ['last byte', size - 1, size - 1],
        ['whole', 0, size - 1],
        ['rest, asked for beyond the end', size - 50, size + 1000],
        ['rest but for the first byte', 1, size - 1],
      ])('%s', async (_, start, end) => {
        await using subject = await make()
        const bytes = randomBytes(size)
        const blob = await subject.store.put(inPieces(bytes), NO_LIMIT)

        const part = await buffer(await subject.store.get(blob.sha256, { start, end }))

        expect(part.equals(bytes.subarray(start, end + 1))).toBe(true)
      })

      test.each([
        ['behind the end', size, size + 10],
        ['with its end before its start', 10, 9],
      ])('%s cannot be had', async (_, start, end) => {
        await using subject = await make()
        const blob = await subject.store.put(inPieces(randomBytes(size)), NO_LIMIT)
        await expect(subject.store.get(blob.sha256, { start, end })).rejects.toMatchObject({
          code: 'range-not-satisfiable',
        })
      })
    })

    test('an opened blob is read at any place, and less only at the end', async () => {
      await using subject = await make()
      const bytes = randomBytes(2 * MIB)
      const blob = await subject.store.put(inPieces(bytes), NO_LIMIT)

      await using opened = await subject.store.open(blob.sha256)

      expect(opened.size).toBe(bytes.length)
      const places: [number, number][] = [
        [0, 4],
        [MIB - 2, 4],
        [bytes.length - 4, 4],
        [bytes.length - 4, 400],
        [bytes.length, 4],
        [bytes.length + 4, 4],
      ]
      for (const [offset, length] of places) {
        const expected = bytes.subarray(offset, offset + length)
        expect((await opened.read(offset, length)).equals(expected)).toBe(true)
      }
    })

    test.each([
      ['never stored', NOBODY],
      ['empty', ''],
      ['a path', '../secrets.json'],
      ['a path as long as an address', `../${'a'.repeat(61)}`],
      ['in capitals', NOBODY.toUpperCase()],
    ])('an address that is %s has no blob', async (_, address) => {
      await using subject = await make()
      await expect(subject.store.get(address)).rejects.toMatchObject({ code: 'blob-missing' })
      await expect(subject.store.open(address)).rejects.toMatchObject({ code: 'blob-missing' })
      await expect(subject.store.delete(address)).resolves.toBeUndefined()
    })

    test('inspect sees the complete bytes before they are stored', async () => {
      await using subject = await make()
      const bytes = randomBytes(MIB + 500)
      const seen: unknown[] = []

      await subject.store.put(inPieces(bytes), {
        ...NO_LIMIT,
        inspect: async (staged) => {
          const tail = await staged.read(staged.size - 500, 1000)
          seen.push(staged.size, tail.equals(bytes.subarray(MIB)), await all(subject.store.list()))
        },
      })

      expect(seen).toEqual([bytes.length, true, []])
    })

    test('what inspect refuses is not kept, and its error is the answer', async () => {
      await using subject = await make()
      const refusal = new Problem('content-mismatch')

      const put = subject.store.put(inPieces(randomBytes(5000)), {
        ...NO_LIMIT,
        inspect: async () => {
          throw refusal
        },
      })

      await expect(put).rejects.toBe(refusal)
      await expectNothingKept(subject)
    })

    test.each([0, 1000, 3 * MIB])('a source that fails after %i bytes keeps nothing', async (sent) => {
      await using subject = await make()
      const lost = new Error('connection lost')
      const source = Readable.from(
        (async function* () {
          if (sent > 0) yield randomBytes(sent)
          await nextTurn()
          throw lost
        })(),
      )

      await expect(subject.store.put(source, NO_LIMIT)).rejects.toBe(lost)
      await expectNothingKept(subject)
    })

    test.each([0, 1000, 3 * MIB])('a source closed early after %i bytes keeps nothing', async (sent) => {
      await using subject = await make()
      const source = new PassThrough()
      const put = subject.store.put(source, NO_LIMIT)
      if (sent > 0) source.write(randomBytes(sent))
      await nextTurn()
      source.destroy()

      await expect(put).rejects.toThrow('Premature close')
      await expectNothingKept(subject)
    })

    test('a source that failed before anybody read it keeps nothing', async () => {
      await using subject = await make()
      const lost = new Error('connection lost')
      const source = new PassThrough()
      const put = subject.store.put(source, NO_LIMIT)
      source.destroy(lost)
      await expect(put).rejects.toBe(lost)

      const dead = new PassThrough().on('error', () => {})
      const closed = new Promise((resolve) => dead.on('close', resolve))
      dead.destroy(lost)
      await closed
      await expect(subject.store.put(dead, NO_LIMIT)).rejects.toBe(lost)

      await expectNothingKept(subject)
    })

    test('the list names every blob once, with its size and the time it was stored', async () => {
      await using subject = await make()
      const before = Date.now()
      const sizes = Array.from({ length: 50 }, (_, i) => i)
      const contents = sizes.map((size) => randomBytes(100 + size))
      for (const bytes of contents) await subject.store.put(inPieces(bytes), NO_LIMIT)

      const listed = await all(subject.store.list())

      expect(new Map(listed.map((blob) => [blob.sha256, blob.size]))).toEqual(
        new Map(contents.map((bytes) => [sha256(bytes), bytes.length])),
      )
      expect(listed).toHaveLength(50)
      for (const { storedAt } of listed) {
        // Storage may round times down to whole seconds, and its clock may be coarse.
        expect(storedAt.getTime()).toBeGreaterThan(before - 2000)
        expect(storedAt.getTime()).toBeLessThan(Date.now() + 2000)
      }
    })

    test('a blob that was stored again since a time is not deleted as older than it', async () => {
      await using subject = await make()
      const { sha256 } = await subject.store.put(Readable.from([Buffer.from('again')]), { maxBytes: 100 })

      await subject.store.delete(sha256, new Date(Date.now() - 3_600_000))
      await using kept = await subject.store.open(sha256)
      expect(kept.size).toBe(5)

      await subject.store.delete(sha256, new Date(Date.now() + 3_600_000))
      await expect(subject.store.open(sha256)).rejects.toMatchObject({ code: 'blob-missing' })
    })

    test('a deleted blob is gone, the others stay, and it can be stored anew', async () => {
      await using subject = await make()
      const bytes = randomBytes(1000)
      const kept = await subject.store.put(inPieces(randomBytes(1000)), NO_LIMIT)
      const { sha256: address } = await subject.store.put(inPieces(bytes), NO_LIMIT)

      await subject.store.delete(address)
      await subject.store.delete(address)

      await expect(subject.store.get(address)).rejects.toMatchObject({ code: 'blob-missing' })
      expect((await all(subject.store.list())).map((blob) => blob.sha256)).toEqual([kept.sha256])
      await subject.store.put(inPieces(bytes), NO_LIMIT)
      expect(bytes.equals(await buffer(await subject.store.get(address)))).toBe(true)
    })

    test('50 MB go in and out through small buffers', async () => {
      await using subject = await make()
      const memory = watchMemory()
      const hash = createHash('sha256')

      const source = Readable.from(memory.watched(noise(50 * MIB)))
      const { sha256: address } = await subject.store.put(source, NO_LIMIT)
      for await (const chunk of memory.watched(await subject.store.get(address))) hash.update(chunk)

      expect(hash.digest('hex')).toBe(address)
      expect(memory.peakBytes()).toBeGreaterThan(0)
      expect(memory.peakBytes()).toBeLessThan(32 * MIB)
    })
  })
}

async function expectNothingKept({ store, leftovers }: BlobStoreSubject) {
  expect(await all(store.list())).toEqual([])
  expect(await leftovers()).toEqual([])
}

/** A stream of the bytes in chunks as they come from a socket. */
export function inPieces(bytes: Buffer): Readable {
  const pieces: Buffer[] = []
  for (let at = 0; at < bytes.length; at += 65_536) pieces.push(bytes.subarray(at, at + 65_536))
  return Readable.from(pieces)
}

export async function* noise(length: number): AsyncIterable<Buffer> {
  for (let sent = 0; sent < length; sent += 65_536) yield randomBytes(Math.min(65_536, length - sent))
}

export async function all(blobs: AsyncIterable<StoredBlob>): Promise<StoredBlob[]> {
  const found: StoredBlob[] = []
  for await (const blob of blobs) found.push(blob)
  return found
}

export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

/** Measures the bytes in buffers that somebody still holds, while streams run. */
export function watchMemory() {
  const held = () => {
    collectGarbage()
    // Buffers found dead are freed in the background; a second collection waits for that.
    collectGarbage()
    return process.memoryUsage().arrayBuffers
  }
  const idle = held()
  let peak = 0
  return {
    peakBytes: () => peak,
    async *watched(source: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
      let unmeasured = 0
      for await (const chunk of source) {
        unmeasured += chunk.length
        if (unmeasured > 4 * MIB) {
          unmeasured = 0
          peak = Math.max(peak, held() - idle)
        }
        yield chunk
      }
    },
  }
}
