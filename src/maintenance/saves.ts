import * as fs from 'node:fs/promises'
import { resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Deps } from '../core/deps.ts'
import type { BlobStore, DocServer } from '../core/ports.ts'
import { recoverForgotten } from '../core/recovery.ts'
import { isPostgres } from '../metadata/engine.ts'
import { forgottenFile, forgottenFiles } from '../metadata/forgotten.ts'
import { liveNodes } from '../metadata/nodes.ts'
import { failInterrupted, saveById } from '../metadata/saves.ts'
import type { Database } from '../metadata/schema.ts'
import { sessionByKey } from '../metadata/sessions.ts'
import { findVersion } from '../metadata/versions.ts'
import { writeChecked } from './export.ts'
import { lockFolder } from './places.ts'
import { Refusal } from './refusal.ts'

const POLL_MS = 500
const MOST_LISTED = 1000

/** What may need somebody: each list holds at most a thousand, the oldest first. */
export async function listSaves({ database }: { database: Database }) {
  const failed = await database
    .selectFrom('saves')
    .leftJoin('documents', 'documents.id', 'saves.document_id')
    .select([
      'saves.id',
      'saves.key',
      'saves.document_id as documentId',
      'documents.title',
      'saves.status',
      'saves.error',
      'saves.author_id as authorId',
      'saves.received_at as receivedAt',
    ])
    .where('saves.state', '=', 'failed')
    .orderBy('saves.received_at')
    .limit(MOST_LISTED)
    .execute()
  const aside = await database
    .selectFrom('versions')
    .innerJoin('documents', 'documents.id', 'versions.document_id')
    .select([
      'versions.id',
      'versions.kind',
      'versions.document_id as documentId',
      'documents.title',
      'versions.number as versionNumber',
      'versions.author_id as authorId',
      'versions.created_at as createdAt',
    ])
    .where('versions.kind', 'in', ['conflict', 'recovery'])
    .where('versions.deleted_at', 'is', null)
    .orderBy('versions.created_at')
    .limit(MOST_LISTED)
    .execute()
  const forgotten = (await forgottenFiles(database)).slice(0, MOST_LISTED)
  return {
    /** Their edits are in no version yet. */
    atRisk: failed,
    /** At Document Server, to be fetched. */
    forgotten: forgotten.map((file) => ({
      key: file.key,
      reason: file.reason,
      firstSeenAt: file.first_seen_at,
      lastSeenAt: file.last_seen_at,
    })),
    /** Stored, but never the head by themselves. */
    aside,
  }
}

type RetryDeps = Parameters<typeof recoverForgotten>[0] & Pick<Deps, 'config'> & { docServer: DocServer }

export type Retried = {
  key: string
  isHome: boolean
  /** What is in the way. */
  reason: string | undefined
}

/**
 * Asks for the bytes of a failed save once more: of the editor, when somebody still has the document
 * open, else of Document Server's forgotten store. While the service runs it is the one that takes
 * them, and this waits for it: saves of one key must not be taken by two processes at once.
 *
 * @param name id of a save, or a key
 * @throws Refusal `not-found`; Problem `document-server-failed`
 */
export async function retrySave(
  deps: RetryDeps,
  { name, waitS }: { name: string; waitS: number },
): Promise<Retried> {
  const { database, docServer, clock } = deps
  const key = await keyOf(database, name)
  const unlock = await unlessServed(deps)
  if (unlock === undefined) {
    await docServer.forcesave(key)
    const deadline = performance.now() + waitS * 1000
    while ((await whatIsLeft(deps, key)) !== undefined && performance.now() < deadline) await delay(POLL_MS)
  } else {
    try {
      await failInterrupted(database, clock().toISOString())
      await recoverForgotten(deps, undefined, key)
    } finally {
      unlock()
    }
  }
  const reason = await whatIsLeft(deps, key)
  return { key, isHome: reason === undefined, reason }
}

/** @returns ends the lock; undefined while the service runs, here or on another node */
async function unlessServed({ database, config }: RetryDeps): Promise<(() => void) | undefined> {
  if (isPostgres(database) && (await liveNodes(database, { but: '' })).length > 0) return undefined
  try {
    return lockFolder(resolve(config.DATA_DIR))
  } catch (error) {
    if (error instanceof Refusal && error.code === 'folder-in-use') return undefined
    throw error
  }
}

async function keyOf(database: Database, name: string): Promise<string> {
  const save = await saveById(database, name)
  if (save !== undefined) return save.key
  if ((await sessionByKey(database, name)) ?? (await forgottenFile(database, name))) return name
  throw new Refusal('not-found', `${name} is neither the id of a save nor a key of this installation`)
}

/** Undefined when nothing of the key is at risk. */
async function whatIsLeft({ database, docServer }: RetryDeps, key: string): Promise<string | undefined> {
  if ((await docServer.forgottenUrl(key)) !== undefined) {
    const noted = await forgottenFile(database, key)
    return `the file waits at Document Server${noted === undefined ? '' : `: ${noted.reason}`}`
  }
  const failed = await database
    .selectFrom('saves')
    .select(['state', 'error'])
    .where('key', '=', key)
    .where('state', 'in', ['failed', 'receiving'])
    .executeTakeFirst()
  if (failed === undefined) return undefined
  return failed.state === 'receiving'
    ? 'a save is under way'
    : `Document Server has no file for it (${failed.error})`
}

/**
 * Writes the stored bytes of a save or version into a new file.
 *
 * @param id of a save or version
 * @returns bytes written
 * @throws Refusal `not-found`, `blob-damaged`; Problem `blob-missing`; the system's error when the file is there already
 */
export async function exportSave(
  { database, blobs }: { database: Deps['database']; blobs: Pick<BlobStore, 'get'> },
  { id, path }: { id: string; path: string },
): Promise<number> {
  const sha256 = (await saveById(database, id))?.sha256 ?? (await findVersion(database, id))?.sha256
  if (sha256 === undefined) throw new Refusal('not-found', `no save or version ${id} has bytes stored here`)
  const bytes = await blobs.get(sha256)
  try {
    const file = await fs.open(path, 'wx')
    try {
      return await writeChecked(bytes, file, sha256)
    } catch (error) {
      await fs.rm(path, { force: true })
      throw error
    } finally {
      await file.close()
    }
  } finally {
    bytes.destroy()
  }
}
