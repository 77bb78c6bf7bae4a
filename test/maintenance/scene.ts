import { readFileSync } from 'node:fs'
import * as fs from 'node:fs/promises'
import { join } from 'node:path'
import { loadConfig } from '../../src/config.ts'
import { type Places, placesOf } from '../../src/maintenance/places.ts'
import type { TestApp } from '../support/app.ts'
import { makeDocx } from '../support/files.ts'

export function placesIn(dataDir: string): Places {
  return placesOf(loadConfig({ DATA_DIR: dataDir }))
}

/** @returns their ids, in the order of their numbers */
export async function uploadSome(app: TestApp, count: number): Promise<string[]> {
  const ids: string[] = []
  for (let at = 0; at < count; at += 1)
    ids.push(await app.upload(`Document ${at}.docx`, makeDocx([`Text ${at}`])))
  return ids
}

/** Where the bytes of a document's head lie. */
export async function blobOf({ deps, dataDir }: TestApp, documentId: string): Promise<string> {
  const { sha256 } = await deps.database
    .selectFrom('documents')
    .innerJoin('versions', 'versions.id', 'documents.head_version_id')
    .select('versions.sha256')
    .where('documents.id', '=', documentId)
    .executeTakeFirstOrThrow()
  return join(dataDir, 'blobs', sha256.slice(0, 2), sha256)
}

/** One byte in the middle becomes another one; the size stays. */
export async function flipByte(path: string): Promise<void> {
  const bytes = readFileSync(path)
  const middle = bytes.length >> 1
  bytes.writeUInt8(bytes.readUInt8(middle) ^ 0xff, middle)
  await fs.writeFile(path, bytes)
}

/** Paths of all files below a folder with their bytes, for comparing. */
export async function tree(folder: string): Promise<Map<string, string>> {
  const files = new Map<string, string>()
  for (const entry of await fs.readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (entry.isFile()) files.set(path.slice(folder.length + 1), readFileSync(path, 'hex'))
  }
  return files
}
