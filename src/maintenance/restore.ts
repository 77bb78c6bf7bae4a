import * as fs from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { blobFile } from '../blobs/disk.ts'
import { demandKnownSchema } from '../metadata/database.ts'
import { countMentionedBlobs, mentionedBlobs } from '../metadata/mentions.ts'
import { openCopy } from '../metadata/sqlite.ts'
import {
  demandDatabase,
  demandManifest,
  type Manifest,
  secretsFile,
  secretsOf,
  unreadable,
} from './backup-folder.ts'
import { type BlobFault, blobFault } from './blob-fault.ts'
import { copyChecked, hashOfFile } from './copy-checked.ts'
import { digestOf, flushFileSystem, renameDurably, syncFile, writeDurably } from './durable.ts'
import { inParallel } from './in-parallel.ts'
import { lockFolder, type Places, restoreMark } from './places.ts'
import type { Progress } from './progress.ts'
import { Refusal } from './refusal.ts'

const AT_ONCE = 8
type RestoreDeps = { places: Places; progress: Progress }

export type Restored = {
  manifest: Manifest
  /** Blobs. */
  restored: number
  /** What the backup does not have, or not whole; everything else is restored. */
  faults: BlobFault[]
}

/**
 * Puts a backup into an empty data folder: blobs first, each compared with its address, then the
 * secrets, and the database last, so that a restore that was cut short is no installation. Run
 * again, it goes on.
 *
 * @throws Refusal `backup-incomplete`, `backup-unreadable`, `folder-in-use`, `folder-not-empty`; NewerSchemaError
 */
export async function restore({ places, progress }: RestoreDeps, folder: string): Promise<Restored> {
  const manifest = await demandManifest(folder)
  demandKnownSchema(manifest.schemaVersion)
  // A backup that is no good leaves no mark.
  await demandDatabase(manifest, join(folder, manifest.database.name))
  const secrets = manifest.hasSecrets ? await secretsOf(folder) : undefined
  const unlock = lockFolder(places.dataDir)
  try {
    const { mark, isBegun } = await demandEmpty(places, manifest)
    const staging = join(places.blobsRoot, 'tmp')
    await fs.mkdir(staging, { recursive: true })
    const stagedDatabase = join(dirname(places.databaseFile), '.restored.sqlite')
    await copyDatabaseFile(manifest, folder, stagedDatabase)
    const { restored, faults } = await copyBlobs({ places, progress }, stagedDatabase, folder, isBegun)
    if (secrets !== undefined) await writeDurably(secretsFile(places.dataDir), secrets, 0o600)
    await flushFileSystem(places.blobsRoot)
    await syncFile(stagedDatabase)
    await renameDurably(stagedDatabase, places.databaseFile)
    await fs.rm(mark)
    return { manifest, restored, faults }
  } finally {
    unlock()
  }
}

/** @throws Refusal `folder-not-empty` */
async function demandEmpty(
  { dataDir, databaseFile, blobsRoot }: Places,
  manifest: Manifest,
): Promise<{ mark: string; isBegun: boolean }> {
  const mark = restoreMark(dataDir)
  const identity = `${JSON.stringify({ createdAt: manifest.createdAt, sha256: manifest.database.sha256 })}\n`
  const begun = await fs.readFile(mark, 'utf8').catch(() => undefined)
  const isOurs = begun === identity
  if (begun !== undefined && !isOurs)
    throw new Refusal(
      'folder-not-empty',
      `a restore of another backup into ${dataDir} was cut short: empty the folder first`,
    )
  const strangers = new Set<string>()
  for (const folder of new Set([dataDir, blobsRoot, dirname(databaseFile)])) {
    await fs.mkdir(folder, { recursive: true })
    for (const name of await fs.readdir(folder)) {
      if (isExpected(name) || (isOurs && isOfRestore(name))) continue
      // The last step but one of a restore of this backup.
      const path = join(folder, name)
      if (isOurs && path === databaseFile && (await digestOf(path)).sha256 === manifest.database.sha256)
        continue
      strangers.add(path)
    }
  }
  const [first] = strangers
  if (first !== undefined)
    throw new Refusal(
      'folder-not-empty',
      `a backup is only restored into an empty data folder; there is ${first}`,
    )
  if (!isOurs) await writeDurably(mark, identity, 0o600)
  return { mark, isBegun: isOurs }
}

function isExpected(name: string): boolean {
  return /^(service\.lock(-journal)?|restore\.json\.\d+|\.gitkeep|lost\+found)$/.test(name)
}

function isOfRestore(name: string): boolean {
  return /^(restore\.json|secrets\.json(\.\d+)?|blobs|tmp|\.restored\.sqlite(-journal)?)$/.test(name)
}

/** @throws Refusal `backup-unreadable` */
async function copyDatabaseFile(manifest: Manifest, folder: string, to: string): Promise<void> {
  const from = join(folder, manifest.database.name)
  await fs.copyFile(from, to).catch(unreadable(from))
  await fs.chmod(to, 0o600)
  await demandDatabase(manifest, to)
}

async function copyBlobs(
  { places, progress }: RestoreDeps,
  databaseFile: string,
  folder: string,
  isBegun: boolean,
): Promise<Omit<Restored, 'manifest'>> {
  const database = openCopy(databaseFile)
  const madeFolders = new Set<string>()
  const faults: BlobFault[] = []
  let restored = 0
  let last = ''
  try {
    await progress.begin('Restoring', () => countMentionedBlobs(database))
    await inParallel(mentionedBlobs(database), AT_ONCE, async ({ sha256 }) => {
      // Twice where rows differ about its size.
      if (sha256 === last) return
      last = sha256
      const to = blobFile(places.blobsRoot, sha256)
      if (!madeFolders.has(dirname(to))) {
        await fs.mkdir(dirname(to), { recursive: true })
        madeFolders.add(dirname(to))
      }
      const staged = join(places.blobsRoot, 'tmp', sha256)
      // One that an earlier run brought: a power cut may have taken bytes that a kill does not.
      const isThere = isBegun && (await hashOfFile(to)) === sha256
      const outcome = isThere ? 'copied' : await copyChecked(blobFile(folder, sha256), to, { sha256, staged })
      if (outcome === 'copied') restored += 1
      else faults.push(await blobFault(database, sha256, outcome))
      progress.step()
    })
    return { restored, faults }
  } finally {
    progress.end()
    await database.destroy()
  }
}
