import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readlinkSync } from 'node:fs'
import { appendFile, mkdir, mkdtemp, readdir, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, sep } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { DiskBlobs } from '../../src/blobs/disk.ts'
import { isProblem } from '../../src/errors.ts'
import { type FaultyFiles, faultyFiles, fullDisk, shortWrites } from '../support/faulty-files.ts'
import { all, blobStoreContract, inPieces, noise, sha256, watchMemory } from './blobs.ts'

const MIB = 1024 * 1024
const NO_LIMIT = { maxBytes: Number.MAX_SAFE_INTEGER }

blobStoreContract('disk', makeSubject)

async function makeSubject() {
  const root = await mkdtemp(join(tmpdir(), 'blobs-'))
  const store = await DiskBlobs.open({ root })
  return {
    root,
    store,
    pathOf: (address: string) => join(root, 'blobs', address.slice(0, 2), address),
    leftovers: () => readdir(join(root, 'tmp')),
    [Symbol.asyncDispose]: () => rm(root, { recursive: true }),
  }
}

/** Runs again and again, with each file-system call failing in turn, until one run meets no fault. */
async function failEachCall(
  how: 'failAt' | 'failFrom',
  run: (files: FaultyFiles, root: string) => Promise<void>,
): Promise<string[]> {
  const failed: string[] = []
  for (let n = 1; ; n += 1) {
    await using subject = await makeSubject()
    const files = faultyFiles({ [how]: n })
    await run(files, subject.root)
    expect(openFilesUnder(subject.root)).toEqual([])
    if (files.failed === undefined) return failed
    failed.push(files.failed.split(' ')[0] ?? '')
  }
}

function openFilesUnder(root: string): string[] {
  if (!existsSync('/proc/self/fd')) return []
  const targets = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(join('/proc/self/fd', fd))
    } catch {
      return ''
    }
  })
  return targets.filter((target) => target.startsWith(root + sep))
}

describe('disk: faults', () => {
  test.each(['failAt', 'failFrom'] as const)(
    'a put never succeeds without the whole blob, whichever call fails (%s)',
    async (how) => {
      const bytes = randomBytes(3 * MIB + 1)
      const failed = await failEachCall(how, async (files, root) => {
        const sound = new DiskBlobs({ root })
        const earlier = randomBytes(1000)
        await sound.put(inPieces(earlier), NO_LIMIT)
        const source = inPieces(bytes)

        const outcome = await new DiskBlobs({ root, files }).put(source, NO_LIMIT).catch((error) => error)

        if (outcome instanceof Error) {
          expect(isProblem(outcome, 'storage-unavailable')).toBe(true)
          expect(outcome.cause).toMatchObject({ code: 'EIO' })
          expect(source.destroyed).toBe(true)
          for (const blob of await all(sound.list())) {
            expect(sha256(await buffer(await sound.get(blob.sha256)))).toBe(blob.sha256)
          }
        } else {
          expect(bytes.equals(await buffer(await sound.get(outcome.sha256)))).toBe(true)
        }
        expect(earlier.equals(await buffer(await sound.get(sha256(earlier))))).toBe(true)
        if (how === 'failFrom') await sound.removeLeftovers()
        expect(await readdir(join(root, 'tmp'))).toEqual([])
      })
      expect(new Set(failed)).toEqual(new Set(['open', 'writev', 'sync', 'close', 'mkdir', 'rename']))
    },
  )

  test('storing equal content again never harms the blob that is there', async () => {
    const bytes = randomBytes(MIB)
    const failed = await failEachCall('failAt', async (files, root) => {
      const sound = new DiskBlobs({ root })
      await sound.put(inPieces(bytes), NO_LIMIT)

      await new DiskBlobs({ root, files }).put(inPieces(bytes), NO_LIMIT).catch(() => {})

      expect(bytes.equals(await buffer(await sound.get(sha256(bytes))))).toBe(true)
      expect(await readdir(join(root, 'tmp'))).toEqual([])
    })
    expect(failed).toContain('rename')
  })

  test('a put is refused when the file, the folder or a new folder name could not be made durable', async () => {
    for (const place of ['tmp', 'blobs', 'blobs/ab']) {
      await using subject = await makeSubject()
      const bytes = startingWith('ab')
      const record: string[] = []
      await new DiskBlobs({ root: subject.root, files: faultyFiles({ record }) }).put(
        inPieces(bytes),
        NO_LIMIT,
      )
      await rm(join(subject.root, 'blobs/ab'), { recursive: true })
      const failAt = 1 + record.findIndex((line) => isSyncOf(line, join(subject.root, place)))

      const files = faultyFiles({ failAt })
      const put = new DiskBlobs({ root: subject.root, files }).put(inPieces(bytes), NO_LIMIT)

      await expect(put).rejects.toMatchObject({ code: 'storage-unavailable' })
      expect(files.failed).toMatch(/^sync /)
    }
  })

  test('after a failed fsync the file is given up: nothing is synced twice', async () => {
    await using subject = await makeSubject()
    const record: string[] = []
    const files = faultyFiles({ failAt: 3, record })

    await expect(
      new DiskBlobs({ root: subject.root, files }).put(inPieces(randomBytes(9)), NO_LIMIT),
    ).rejects.toMatchObject({ code: 'storage-unavailable' })

    expect(record.map((line) => line.split(' ')[0])).toEqual(['open', 'writev', 'sync', 'close', 'unlink'])
  })

  test.each(['ENOSPC', 'EDQUOT', 'EIO', 'EROFS', 'EMFILE', 'ENFILE', 'EACCES', 'EPERM', 'ENOENT'])(
    '%s while storing is "storage unavailable" with the cause inside',
    async (error) => {
      await using subject = await makeSubject()
      const files = faultyFiles({ failFrom: 2, error })
      await expect(
        new DiskBlobs({ root: subject.root, files }).put(inPieces(randomBytes(9)), NO_LIMIT),
      ).rejects.toMatchObject({ code: 'storage-unavailable', cause: { code: error } })
    },
  )

  test('a full disk refuses without a trace and takes files again when there is room', async () => {
    await using subject = await makeSubject()
    const disk = fullDisk()
    const store = new DiskBlobs({ root: subject.root, files: disk.files })
    const bytes = randomBytes(200_000)

    disk.full = true
    await expect(store.put(inPieces(bytes), NO_LIMIT)).rejects.toMatchObject({
      code: 'storage-unavailable',
      cause: { code: 'ENOSPC' },
    })
    expect(await all(store.list())).toEqual([])
    expect(await subject.leftovers()).toEqual([])

    disk.full = false
    await store.put(inPieces(bytes), NO_LIMIT)
    expect(bytes.equals(await buffer(await store.get(sha256(bytes))))).toBe(true)
  })

  test('a system that writes less than asked gets the rest again', async () => {
    await using subject = await makeSubject()
    const store = new DiskBlobs({ root: subject.root, files: shortWrites(100_001) })
    const bytes = randomBytes(2 * MIB + 5)

    await store.put(inPieces(bytes), NO_LIMIT)

    expect(bytes.equals(await buffer(await store.get(sha256(bytes))))).toBe(true)
  })

  test.each([100, 3 * MIB])('a fault while reading %i bytes closes the file', async (size) => {
    const bytes = randomBytes(size)
    const failed = await failEachCall('failAt', async (files, root) => {
      await new DiskBlobs({ root }).put(inPieces(bytes), NO_LIMIT)
      const store = new DiskBlobs({ root, files })
      const read = async () => buffer(await store.get(sha256(bytes)))

      const outcome = await read().catch((error) => error)

      const isWhole = Buffer.isBuffer(outcome) && outcome.equals(bytes)
      expect(isWhole || isProblem(outcome, 'storage-unavailable')).toBe(true)
    })
    expect(failed).toEqual(expect.arrayContaining(['open', 'stat']))
  })

  test('a fault while opening or reading at a place is "storage unavailable", never "missing"', async () => {
    const bytes = randomBytes(100)
    const failed = await failEachCall('failAt', async (files, root) => {
      await new DiskBlobs({ root }).put(inPieces(bytes), NO_LIMIT)
      const read = async () => {
        await using opened = await new DiskBlobs({ root, files }).open(sha256(bytes))
        return await opened.read(0, 100)
      }

      const outcome = await read().catch((error) => error)

      const isWhole = Buffer.isBuffer(outcome) && outcome.equals(bytes)
      expect(isWhole || isProblem(outcome, 'storage-unavailable')).toBe(true)
    })
    expect(failed).toEqual(['open', 'stat', 'read', 'close'])
  })
})

describe('disk: durability', () => {
  test('file, then rename, then folder, then the answer', async () => {
    await using subject = await makeSubject()
    const record: string[] = []
    const store = new DiskBlobs({ root: subject.root, files: faultyFiles({ record }) })
    const bytes = startingWith('ab')

    await store.put(inPieces(bytes), NO_LIMIT)
    record.push('answer')
    const first = steps(record, subject.root)
    record.length = 0
    await store.put(inPieces(bytes), NO_LIMIT)
    record.push('answer')

    expect(first).toEqual([
      'sync tmp',
      'mkdir blobs/ab',
      'sync blobs',
      'rename tmp',
      'sync blobs/ab',
      'answer',
    ])
    expect(steps(record, subject.root)).toEqual(['sync tmp', 'rename tmp', 'sync blobs/ab', 'answer'])
  })

  test('new folders are made durable from the first existing one down', async () => {
    await using subject = await makeSubject()
    const record: string[] = []
    const root = join(subject.root, 'new/deep')

    await DiskBlobs.open({ root, files: faultyFiles({ record }) })

    expect(steps(record, subject.root).filter((step) => step.startsWith('sync'))).toEqual([
      'sync new',
      'sync ',
      'sync new/deep',
      'sync new/deep',
    ])
    expect((await readdir(root)).sort()).toEqual(['blobs', 'tmp'])
  })

  test('opening fails as "storage unavailable" when a folder cannot be made', async () => {
    const failed = await failEachCall('failAt', async (files, root) => {
      const outcome = await DiskBlobs.open({ root: join(root, 'new'), files }).catch((error) => error)
      if (outcome instanceof Error) expect(isProblem(outcome, 'storage-unavailable')).toBe(true)
    })
    expect(failed).toEqual(expect.arrayContaining(['mkdir', 'open', 'sync']))
  })

  test('a damaged blob is whole again after its content was stored once more', async () => {
    await using subject = await makeSubject()
    const bytes = randomBytes(5000)
    const { sha256: address } = await subject.store.put(inPieces(bytes), NO_LIMIT)
    await truncate(subject.pathOf(address), 100)

    await subject.store.put(inPieces(bytes), NO_LIMIT)

    expect(bytes.equals(await buffer(await subject.store.get(address)))).toBe(true)
  })

  test('somebody reading a blob is not disturbed when it is stored again or deleted', async () => {
    await using subject = await makeSubject()
    const bytes = randomBytes(5 * MIB)
    const { sha256: address } = await subject.store.put(inPieces(bytes), NO_LIMIT)
    const reading = await subject.store.get(address)

    await subject.store.put(inPieces(bytes), NO_LIMIT)
    await subject.store.delete(address)

    expect(bytes.equals(await buffer(reading))).toBe(true)
  })

  test('storing an old blob again makes it young, so the sweeper spares it', async () => {
    await using subject = await makeSubject()
    const bytes = randomBytes(100)
    const { sha256: address } = await subject.store.put(inPieces(bytes), NO_LIMIT)
    await utimes(subject.pathOf(address), 1, 1)

    await subject.store.put(inPieces(bytes), NO_LIMIT)

    const [listed] = await all(subject.store.list())
    expect(listed?.storedAt.getTime()).toBeGreaterThan(Date.now() - 60_000)
  })
})

describe('disk: files', () => {
  test('only the service may read the files, and their names are their SHA-256', async () => {
    await using subject = await makeSubject()
    const bytes = startingWith('ab')
    const { sha256: address } = await subject.store.put(inPieces(bytes), NO_LIMIT)

    const { mode } = await stat(join(subject.root, 'blobs/ab', address))

    expect(mode & 0o777).toBe(0o600)
  })

  test('foreign files among the blobs are not listed', async () => {
    await using subject = await makeSubject()
    const { sha256: address } = await subject.store.put(inPieces(startingWith('ab')), NO_LIMIT)
    const blobs = join(subject.root, 'blobs')
    await mkdir(join(blobs, 'lost+found'))
    await mkdir(join(blobs, 'ab', 'ab'.repeat(32)))
    await writeFile(join(blobs, 'README'), 'x')
    await writeFile(join(blobs, 'cd'), 'x')
    await writeFile(join(blobs, 'ab', '.DS_Store'), 'x')
    await mkdir(join(blobs, 'ef'))
    await writeFile(join(blobs, 'ef', address), 'in the wrong folder')

    expect((await all(subject.store.list())).map((blob) => blob.sha256)).toEqual([address])
  })

  test('files of an earlier process in tmp are removed at the start, blobs are not', async () => {
    await using subject = await makeSubject()
    await subject.store.put(inPieces(randomBytes(10)), NO_LIMIT)
    for (let i = 0; i < 100; i += 1) await appendFile(join(subject.root, 'tmp', `left-${i}`), 'x')

    await subject.store.removeLeftovers()

    expect(await subject.leftovers()).toEqual([])
    expect(await all(subject.store.list())).toHaveLength(1)
  })

  test('bytes that trickle in one at a time do not pile up as thousands of buffers', async () => {
    await using subject = await makeSubject()
    const record: string[] = []
    const store = new DiskBlobs({ root: subject.root, files: faultyFiles({ record }) })

    await store.put(Readable.from(Array.from({ length: 2000 }, () => Buffer.from('x'))), NO_LIMIT)

    expect(record.filter((line) => line.startsWith('writev')).length).toBeGreaterThan(2)
  })

  test('four large files at once need no more memory than their buffers', async () => {
    await using subject = await makeSubject()
    const memory = watchMemory()

    const blobs = await Promise.all(
      Array.from({ length: 4 }, () =>
        subject.store.put(Readable.from(memory.watched(noise(50 * MIB))), NO_LIMIT),
      ),
    )

    expect(new Set(blobs.map((blob) => blob.sha256)).size).toBe(4)
    expect(memory.peakBytes()).toBeGreaterThan(0)
    expect(memory.peakBytes()).toBeLessThan(12 * MIB)
  })
})

/** Some bytes whose address starts so. */
function startingWith(prefix: string): Buffer {
  for (;;) {
    const bytes = randomBytes(16)
    if (sha256(bytes).startsWith(prefix)) return bytes
  }
}

function isSyncOf(line: string, place: string): boolean {
  const [call, path = ''] = line.split(' ')
  return call === 'sync' && (path === place || (place.endsWith('tmp') && dirname(path) === place))
}

/** The calls that durability is made of, with paths seen from the root; a staged file is `tmp`. */
function steps(record: string[], root: string): string[] {
  return record
    .filter((line) => /^(sync|mkdir|rename|answer)\b/.test(line))
    .map((line) =>
      line
        .replace(root, '')
        .replace(' /', ' ')
        .replace(/tmp\/.*/, 'tmp'),
    )
}
