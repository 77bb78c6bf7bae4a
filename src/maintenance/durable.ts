import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import * as fs from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/**
 * Brings all that was written into a folder to disk: one call for the whole file system costs far
 * less than one for each of many files.
 */
export async function flushFileSystem(folder: string): Promise<void> {
  // As coreutils and BusyBox have it; small images have neither.
  await run('sync', ['-f', folder]).catch(() => syncAll(folder))
}

async function syncAll(folder: string): Promise<void> {
  for await (const entry of await fs.opendir(folder, { recursive: true })) {
    if (entry.isFile() || entry.isDirectory()) await syncFile(join(entry.parentPath, entry.name))
  }
  await syncFile(folder)
}

/** Complete and on disk under its name, or not there. */
export async function writeDurably(path: string, text: string | Buffer, mode: number): Promise<void> {
  const temporary = `${path}.${process.pid}`
  await fs.writeFile(temporary, text, { mode, flush: true })
  await renameDurably(temporary, path)
}

/** Of a file that is on disk already. */
export async function renameDurably(from: string, to: string): Promise<void> {
  await fs.rename(from, to)
  await syncFile(dirname(to))
}

export async function syncFile(path: string): Promise<void> {
  const file = await fs.open(path, 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

export async function digestOf(path: string): Promise<{ sha256: string; size: number }> {
  const hash = createHash('sha256')
  let size = 0
  for await (const chunk of createReadStream(path)) {
    hash.update(chunk)
    size += (chunk as Buffer).length
  }
  return { sha256: hash.digest('hex'), size }
}
