import { randomUUIDv7 } from 'node:crypto'
import { isProblem } from '../errors.ts'
import { withoutQuery } from '../log.ts'
import { documentById } from '../metadata/documents.ts'
import { keepForgotten, noteForgotten } from '../metadata/forgotten.ts'
import { insertSave, updateSave } from '../metadata/saves.ts'
import type { SessionRow } from '../metadata/schema.ts'
import { sessionByKey } from '../metadata/sessions.ts'
import type { Deps } from './deps.ts'
import { fetchSave } from './fetch-save.ts'
import { isOwnKey } from './keys.ts'
import type { DocServer } from './ports.ts'
import { finishSave } from './saves.ts'
import { hasEditors } from './sessions.ts'

type RecoveryDeps = Pick<
  Deps,
  'database' | 'blobs' | 'config' | 'clock' | 'locks' | 'keyPrefix' | 'log' | 'docServer' | 'events'
>

export type RecoveryResult = { recovered: number; waiting: number }

/**
 * Brings home what Document Server put into its forgotten store because we could not take it.
 * Nothing ever sends those files again, so nothing but this finds them.
 *
 * Files with our prefix but without a row (a restored backup) are noted for an administrator and
 * never deleted; files of other installations are neither shown nor touched.
 */
export async function recoverForgotten(deps: RecoveryDeps): Promise<RecoveryResult> {
  const { docServer, database, log, clock } = deps
  const result = { recovered: 0, waiting: 0 }
  if (docServer === undefined) return result

  const keys = (await docServer.forgottenKeys()).filter((key) => isOwnKey(deps.keyPrefix, key))
  await keepForgotten(database, keys)
  for (const key of keys) {
    try {
      const reason = await deps.locks.run(key, () => recoverKey(deps, docServer, key))
      if (reason === undefined) result.recovered += 1
      else await noteForgotten(database, key, reason, clock().toISOString())
    } catch (error) {
      log.error({ err: error, key }, 'forgotten file not recovered, again in the next round')
      await noteForgotten(database, key, isProblem(error) ? error.code : 'internal', clock().toISOString())
    }
  }
  result.waiting = keys.length - result.recovered
  return result
}

/** @returns why the file stays at Document Server; undefined when it is home and deleted there */
async function recoverKey(
  deps: RecoveryDeps,
  docServer: DocServer,
  key: string,
): Promise<string | undefined> {
  const session = await sessionByKey(deps.database, key)
  if (session === undefined) return 'no session has this key'

  const isEdited = await hasEditors(docServer, key)
  const url = await docServer.forgottenUrl(key)
  if (url === undefined) return undefined
  const before = await docServer.head(url)
  await storeForgotten(deps, docServer, session, { url, isEdited, lastModified: before.lastModified })
  // Its editors work on this file: Document Server removes it itself after our 200 to their final save.
  if (isEdited) return 'the document is open in the editor'

  if (await hasEditors(docServer, key)) return 'the document was opened again'
  const urlNow = await docServer.forgottenUrl(key)
  if (urlNow === undefined) return undefined
  const after = await docServer.head(urlNow)
  if (after.size !== before.size || after.lastModified !== before.lastModified)
    return 'the file changed meanwhile'
  await docServer.deleteForgotten(key)
  return undefined
}

/** As the session's draft while somebody edits it, else as its final version (or conflict, when superseded). */
async function storeForgotten(
  deps: RecoveryDeps,
  docServer: DocServer,
  session: SessionRow,
  { url, isEdited, lastModified }: { url: string; isEdited: boolean; lastModified: string | undefined },
): Promise<void> {
  const { key, document_id: documentId } = session
  const { database, config, clock, events, log } = deps
  const saveId = randomUUIDv7()
  const status = isEdited ? 6 : 2
  const fileType = fileTypeOf(url) ?? (await documentById(database, documentId)).file_type
  // Not older than the last change inside, so that the file never counts as older than its own forced saves.
  const lastsave = lastModified === undefined ? null : new Date(lastModified).toISOString()
  await insertSave(database, {
    id: saveId,
    key,
    document_id: documentId,
    node: config.NODE_NAME,
    status,
    forcesave_type: isEdited ? 0 : null,
    lastsave,
    url_path: withoutQuery(url),
    userdata: null,
    author_id: UNKNOWN_AUTHOR.id,
    state: 'receiving',
    received_at: clock().toISOString(),
  })
  try {
    const blob = await fetchSave(deps, docServer, { url, fileType })
    const { outcome, version } = await finishSave(deps, key, {
      saveId,
      status,
      forcesaveType: isEdited ? 0 : undefined,
      isApiSave: false,
      lastsave,
      fileType,
      author: UNKNOWN_AUTHOR,
      blob,
      changes: undefined,
      history: undefined,
    })
    log.warn({ document: documentId, key, outcome, version: version?.number }, 'forgotten file recovered')
    if (version !== undefined && !isEdited) {
      await events.publish(documentId, { type: 'head-changed', versionNumber: version.number })
    }
  } catch (error) {
    await updateSave(database, saveId, {
      state: 'failed',
      error: isProblem(error) ? error.code : 'internal',
      finished_at: clock().toISOString(),
    })
    throw error
  }
}

/** A forgotten file does not say who wrote it. */
const UNKNOWN_AUTHOR = { id: 'document-server', name: 'Document Server (recovered)' }

/** `…/forgotten/<key>/output.<ext>/output.<ext>` */
function fileTypeOf(url: string): string | undefined {
  return /\/output\.([a-z0-9]+)(?:\/|$)/i.exec(new URL(url, 'http://relative').pathname)?.[1]?.toLowerCase()
}
