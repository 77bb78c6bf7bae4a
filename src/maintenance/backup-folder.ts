import * as fs from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { codeOf } from '../blobs/file-bytes.ts'
import { Refusal } from './refusal.ts'

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
