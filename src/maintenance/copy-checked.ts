import { createHash } from 'node:crypto'
import * as fs from 'node:fs/promises'
import { CHUNK_BYTES, codeOf, copyHashed, once } from '../blobs/file-bytes.ts'
import { isProblem } from '../errors.ts'

/**
 * Copies a file that has a known hash; only a whole one gets its name.
 *
 * @param staged where it is written first
 * @returns what is wrong with the source, if anything is
 * @throws Problem `storage-unavailable`
 */
export async function copyChecked(
  from: string,
  to: string,
  { sha256, staged }: { sha256: string; staged: string },
): Promise<'copied' | 'missing' | 'damaged' | 'unreadable'> {
  let source: fs.FileHandle
  try {
    source = await fs.open(from, 'r')
  } catch (error) {
    return codeOf(error) === 'ENOENT' ? 'missing' : 'unreadable'
  }
  try {
    const copied = await copyTo(staged, source)
    if (copied === sha256) {
      await fs.rename(staged, to)
      return 'copied'
    }
    await fs.rm(staged)
    return copied === undefined ? 'unreadable' : 'damaged'
  } catch (error) {
    await fs.rm(staged, { force: true })
    throw error
  } finally {
    await source.close()
  }
}

/** @returns the hash of what was written; undefined when the source failed */
async function copyTo(path: string, source: fs.FileHandle): Promise<string | undefined> {
  const target = await fs.open(path, 'w', 0o600)
  try {
    return (await copyHashed(await readable(source), target, Number.POSITIVE_INFINITY)).sha256
  } catch (error) {
    // What cannot be written comes as a Problem: all else is the source.
    if (isProblem(error)) throw error
    return undefined
  } finally {
    await target.close()
  }
}

/** A small file in one piece: a stream for each of many costs more than their bytes. */
async function readable(source: fs.FileHandle) {
  const { size } = await source.stat()
  if (size <= CHUNK_BYTES) return once(await source.readFile())
  return source.createReadStream({ highWaterMark: CHUNK_BYTES, autoClose: false })
}

/** Undefined when there is no such file, or none that can be read. */
export async function hashOfFile(path: string): Promise<string | undefined> {
  try {
    const hash = createHash('sha256')
    await using file = await fs.open(path, 'r')
    for await (const chunk of file.createReadStream({ autoClose: false })) hash.update(chunk)
    return hash.digest('hex')
  } catch (error) {
    if (codeOf(error) === undefined) throw error
    return undefined
  }
}
