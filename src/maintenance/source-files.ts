import type { Dirent } from 'node:fs'
import * as fs from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { codeOf } from '../blobs/file-bytes.ts'
import { normalizedFolder } from '../core/folders.ts'

export type SourceFile = {
  path: string
  /** Below the folder that is read, with `/` between the names. */
  relativePath: string
  /** As documents have it. */
  folder: string
  name: string
}

/** What is not taken, and why. */
export type Skipped = { path: string; reason: string }

/**
 * All files below a folder, in the order of their names. Symbolic links are not followed: they could lead out of it.
 *
 * @param leftOut folders that are not looked into
 * @throws the system's error when the folder itself cannot be read
 */
export async function* sourceFiles(
  root: string,
  leftOut: readonly string[],
): AsyncGenerator<SourceFile | Skipped> {
  // A folder may be reached by several paths.
  const real = await fs.realpath(root)
  const realOf = (path: string) => fs.realpath(path).catch(() => resolve(path))
  yield* filesBelow({ root: real, leftOut: await Promise.all(leftOut.map(realOf)) }, real)
}

async function* filesBelow(
  of: { root: string; leftOut: readonly string[] },
  path: string,
): AsyncGenerator<SourceFile | Skipped> {
  const shown = relative(of.root, path)
  const folder = normalizedFolder(shown)
  if (folder === undefined) {
    yield { path: printable(shown), reason: 'the name of the folder cannot be kept, or it lies too deep' }
    return
  }
  for (const entry of await entriesOf(path)) {
    // Names that are not UTF-8 would come back changed.
    const name = entry.name.toString('utf8')
    const below = { path: join(path, name), relativePath: join(shown, name) }
    const reason =
      reasonAgainst(entry, name) ??
      (of.leftOut.includes(below.path) ? 'the service keeps its data there' : undefined)
    if (reason !== undefined) yield { path: printable(below.relativePath), reason }
    else if (entry.isFile()) yield { ...below, folder, name }
    else {
      try {
        yield* filesBelow(of, below.path)
      } catch (error) {
        if (codeOf(error) === undefined) throw error
        yield { path: printable(below.relativePath), reason: `the folder cannot be read (${codeOf(error)})` }
      }
    }
  }
}

async function entriesOf(path: string): Promise<Dirent<Buffer>[]> {
  const entries = await fs.readdir(path, { withFileTypes: true, encoding: 'buffer' })
  return entries.sort((one, other) => Buffer.compare(one.name, other.name))
}

function reasonAgainst(entry: Dirent<Buffer>, name: string): string | undefined {
  if (!Buffer.from(name).equals(entry.name)) return 'the name is not UTF-8'
  if (/\p{Cc}/u.test(name)) return 'the name has control characters'
  if (entry.isSymbolicLink()) return 'a symbolic link is not followed'
  return entry.isFile() || entry.isDirectory() ? undefined : 'neither a file nor a folder'
}

/** Names from outside must not steer the terminal. */
export function printable(text: string): string {
  return text.toWellFormed().replace(/\p{Cc}/gu, '\uFFFD')
}
