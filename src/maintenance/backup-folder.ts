import * as fs from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { codeOf } from '../blobs/file-bytes.ts'
import { digestOf } from './durable.ts'
import { isDiskFull, Refusal } from './refusal.ts'

const MANIFEST = 'manifest.json'

/** What stands in a finished backup; written last, so that none means unfinished. */
const Manifest = z.object({
  format: z.literal(1),
  createdAt: z.iso.datetime(),
  /** Name of the latest migration. */
  schemaVersion: z.string(),
  database: z.object({
    name: z.string().regex(/^metadata-[\w-]+\.sqlite$/),
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
    /** Bytes. */
    size: z.number(),
  }),
  /** Whether `secrets.json` is there; else the secrets stand in the environment of the service. */
  hasSecrets: z.boolean(),
  counts: z.object({ documents: z.number(), versions: z.number(), blobs: z.number(), blobBytes: z.number() }),
})

export type Manifest = z.infer<typeof Manifest>

export function manifestFile(folder: string): string {
  return join(folder, MANIFEST)
}

export function secretsFile(folder: string): string {
  return join(folder, 'secrets.json')
}

/** Undefined while no backup was finished there. @throws Refusal `backup-unreadable` */
export async function readManifest(folder: string): Promise<Manifest | undefined> {
  let text: string
  try {
    text = await fs.readFile(manifestFile(folder), 'utf8')
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(error) ?? '')) return undefined
    throw error
  }
  try {
    return Manifest.parse(JSON.parse(text))
  } catch (cause) {
    throw new Refusal(
      'backup-unreadable',
      `${manifestFile(folder)} is not a manifest that this program knows`,
      {
        cause,
      },
    )
  }
}

/** @throws Refusal `backup-incomplete`, `backup-unreadable` */
export async function demandManifest(folder: string): Promise<Manifest> {
  const manifest = await readManifest(folder)
  if (manifest !== undefined) return manifest
  throw new Refusal(
    'backup-incomplete',
    `${folder} holds no finished backup: it has no ${MANIFEST}. If one was cut short there, run it again`,
  )
}

/** @param path of the database, or a copy @throws Refusal `backup-unreadable` when it is not the one that was backed up */
export async function demandDatabase({ database }: Manifest, path: string): Promise<void> {
  const { sha256 } = await digestOf(path).catch(unreadable(path))
  if (sha256 === database.sha256) return
  throw new Refusal('backup-unreadable', `the database of the backup, ${database.name}, is damaged`)
}

/** Of a backup that has them. @throws Refusal `backup-unreadable` */
export async function secretsOf(folder: string): Promise<Buffer> {
  const secrets = await fs.readFile(secretsFile(folder)).catch(unreadable(secretsFile(folder)))
  if (isJson(secrets)) return secrets
  throw new Refusal('backup-unreadable', `${secretsFile(folder)} is damaged`)
}

function isJson(bytes: Buffer): boolean {
  try {
    JSON.parse(bytes.toString())
    return true
  } catch {
    return false
  }
}

/** What a file that a backup must have is refused with. */
export function unreadable(path: string): (cause: unknown) => never {
  return (cause) => {
    if (codeOf(cause) === undefined || isDiskFull(cause)) throw cause
    throw new Refusal('backup-unreadable', `${path} cannot be read (${codeOf(cause)})`, { cause })
  }
}
