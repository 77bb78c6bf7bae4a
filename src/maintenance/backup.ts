import { existsSync } from 'node:fs'
import * as fs from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { codeOf } from '../blobs/file-bytes.ts'
import { copyDatabase } from '../metadata/copy-database.ts'
import { demandKnownSchema, schemaVersion } from '../metadata/database.ts'
import { keyPrefix } from '../metadata/installation.ts'
import { countMentionedBlobs, mentionedBlobs } from '../metadata/mentions.ts'
import type { Database } from '../metadata/schema.ts'
import { openCopy } from '../metadata/sqlite.ts'
import { type Manifest, manifestFile, readManifest, secretsFile } from './backup-folder.ts'
import { type BlobFault, blobFault } from './blob-fault.ts'
import { BlobCopies } from './copy-blobs.ts'
import { digestOf, flushFileSystem, writeDurably } from './durable.ts'
import { inParallel } from './in-parallel.ts'
import { demandData, lockFolder, type Places } from './places.ts'
import type { Progress } from './progress.ts'
import { Refusal } from './refusal.ts'

const AT_ONCE = 8
/** More sweeps than these do not fall into one backup. */
const MOST_ROUNDS = 20

type BackupDeps = { places: Places; clock: () => Date; progress: Progress }

export type Backup = {
  manifest: Manifest
  /** Blobs. */
  copied: number
  /** Were there from an earlier run. */
  skipped: number
  /** Damage of the installation itself. */
  faults: BlobFault[]
}

/**
 * Copies the database, then the blobs that the copy mentions, then the secrets, while the service
 * runs; the manifest comes last. Run again, it adds what is new, and the backup before stays whole
 * until the new manifest takes its place.
 *
 * Blobs are immutable and stored before their rows, so at the moment of the copy every row has its
 * blob. The sweeper may take one afterwards whose last row went: then a newer copy of the database,
 * which does not mention it, takes the place of the first.
 *
 * @throws Refusal `data-missing`, `folder-in-use`, `folder-unsuitable`, `backup-unreadable`; NewerSchemaError
 */
export async function backUp(deps: BackupDeps, target: string): Promise<Backup> {
  const { places, clock } = deps
  demandData(places)
  const folder = await backupFolder(places, target)
  const unlock = lockFolder(folder)
  try {
    await demandOwn(places, folder)
    await removeLeftovers(folder)
    const createdAt = clock().toISOString()
    const name = `metadata-${createdAt.replace(/\D/g, '')}-${process.pid}.sqlite`
    const copied = await copyAll(deps, folder, name)
    const hasSecrets = await copySecrets(places, folder)
    await flushFileSystem(folder)
    const manifest: Manifest = {
      format: 1,
      createdAt,
      schemaVersion: copied.schemaVersion,
      database: { name, ...(await digestOf(join(folder, name))) },
      hasSecrets,
      counts: copied.counts,
    }
    await writeDurably(manifestFile(folder), `${JSON.stringify(manifest, null, 2)}\n`, 0o600)
    await removeLeftovers(folder)
    return { manifest, copied: copied.copied, skipped: copied.skipped, faults: copied.faults }
  } finally {
    unlock()
  }
}

/** Only its user may look into it: it holds the secrets. @throws Refusal `folder-unsuitable` */
async function backupFolder({ dataDir, blobsRoot }: Places, target: string): Promise<string> {
  const made = await fs.mkdir(target, { recursive: true, mode: 0o700 })
  const folder = await fs.realpath(target)
  for (const own of [dataDir, blobsRoot]) {
    const real = await fs.realpath(own).catch(() => resolve(own))
    if (!`${folder}/`.startsWith(`${real}/`)) continue
    if (made !== undefined) await fs.rm(made, { recursive: true })
    throw new Refusal('folder-unsuitable', `${folder} lies in the data folder: a backup belongs elsewhere`)
  }
  return folder
}

/** What it would overwrite belongs to this installation. @throws Refusal `folder-unsuitable`, `backup-unreadable` */
async function demandOwn({ dataDir, databaseFile }: Places, folder: string): Promise<void> {
  const manifest = await readManifest(folder)
  if (manifest !== undefined) {
    const [theirs, own] = [await prefixOf(join(folder, manifest.database.name)), await prefixOf(databaseFile)]
    if (theirs === undefined || own === undefined || theirs === own) return
    throw new Refusal('folder-unsuitable', `${folder} holds a backup of another installation`)
  }
  const [theirs, own] = [await readSecrets(folder), await readSecrets(dataDir)]
  if (existsSync(join(folder, 'metadata.sqlite')) || (theirs !== undefined && own?.equals(theirs) !== true))
    throw new Refusal('folder-unsuitable', `${folder} is the data folder of another installation`)
}

/** Undefined for what cannot be read. */
async function prefixOf(databaseFile: string): Promise<string | undefined> {
  try {
    const database = openCopy(databaseFile)
    return await keyPrefix(database).finally(() => database.destroy())
  } catch {
    return undefined
  }
}

/** Of runs that were cut short, and databases of backups that a newer one has replaced. */
async function removeLeftovers(folder: string): Promise<void> {
  const current = (await readManifest(folder))?.database.name
  for (const name of await fs.readdir(folder)) {
    const isLeft = /^metadata-\d{17}-\d+\.sqlite(-\w+)?$/.test(name) && name !== current
    if (isLeft || /^(secrets|manifest)\.json\.\d+$/.test(name))
      await fs.rm(join(folder, name), { force: true })
  }
}

type CopiedAll = {
  schemaVersion: string
  counts: Manifest['counts']
  copied: number
  skipped: number
  faults: BlobFault[]
}

async function copyAll({ places, progress }: BackupDeps, folder: string, name: string): Promise<CopiedAll> {
  const path = join(folder, name)
  const totals = { copied: 0, skipped: 0 }
  let known = new Set<string>()
  // All that an earlier run brought was on disk before its manifest.
  let durableUntilMs = (await fs.stat(manifestFile(folder)).catch(() => undefined))?.mtimeMs ?? 0
  for (let round = 1; ; round += 1) {
    await copyDatabase(places.databaseFile, path)
    const database = openCopy(path)
    try {
      const version = await schemaVersion(database)
      demandKnownSchema(version)
      const copies = new BlobCopies({ from: places.blobsRoot, to: folder, durableUntilMs })
      await progress.begin('Copying', () => countMentionedBlobs(database))
      await inParallel(mentionedBlobs(database), AT_ONCE, async (mention) => {
        await copies.copy(mention)
        progress.step()
      })
      progress.end()
      const { copied, skipped, blobs, blobBytes } = copies
      const missing = copies.faults.filter(({ problem }) => problem === 'missing')
      totals.copied += copied
      if (round === 1) totals.skipped = skipped
      // What was missing before this copy of the database was made is no work of the sweeper.
      if (missing.every(({ sha256 }) => known.has(sha256)) || round === MOST_ROUNDS) {
        const faults = copies.faults.map(({ sha256, problem }) => blobFault(database, sha256, problem))
        const counts = { ...(await countRows(database)), blobs, blobBytes }
        return { ...totals, schemaVersion: version ?? '', counts, faults: await Promise.all(faults) }
      }
      known = new Set(missing.map(({ sha256 }) => sha256))
      await flushFileSystem(folder)
      durableUntilMs = Date.now()
    } finally {
      await database.destroy()
    }
  }
}

async function countRows(database: Database): Promise<{ documents: number; versions: number }> {
  const count = async (table: 'documents' | 'versions') => {
    const row = await database
      .selectFrom(table)
      .select((it) => it.fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow()
    return Number(row.count)
  }
  return { documents: await count('documents'), versions: await count('versions') }
}

async function copySecrets({ dataDir }: Places, folder: string): Promise<boolean> {
  const secrets = await readSecrets(dataDir)
  if (secrets !== undefined) await writeDurably(secretsFile(folder), secrets, 0o600)
  return secrets !== undefined
}

/** Undefined where they stand in the environment. */
function readSecrets(folder: string): Promise<Buffer | undefined> {
  return fs.readFile(secretsFile(folder)).catch((error: unknown) => {
    if (codeOf(error) !== 'ENOENT') throw error
    return undefined
  })
}
