import { Problem } from '../errors.ts'
import { newestHistories, versionNumbered } from '../metadata/history.ts'
import type { DocumentRow, VersionRow } from '../metadata/schema.ts'
import { sessionByKey } from '../metadata/sessions.ts'
import { findVersion, type ListedVersion, versionsOf } from '../metadata/versions.ts'
import { authorOf, type Caller, demand } from './callers.ts'
import type { Deps } from './deps.ts'
import { fetchFromEditor, storableFormat } from './fetch-from-editor.ts'
import { formatOf } from './formats.ts'
import { replaceHead } from './new-head.ts'
import { headVersion, restoreVersion } from './versions.ts'

type RestoreDeps = Pick<
  Deps,
  'database' | 'blobs' | 'config' | 'clock' | 'docServer' | 'events' | 'keyPrefix' | 'log'
>

/** Texts of changes are read for so many of the newest versions, and no more of them than this. */
const MOST_HISTORIES = 100
const MAX_HISTORY_BYTES = 8 * 1024 ** 2

export type HistoryVersion = ListedVersion & { history: string | null }

/**
 * All versions with bytes, oldest first; old ones without the text of their changes. The head comes last, after conflicts and recovered ones with
 * higher numbers: the editor offers to restore every version but the last.
 */
export async function historyOf(
  { database }: Pick<Deps, 'database'>,
  { id, head_version_id }: DocumentRow,
): Promise<HistoryVersion[]> {
  const histories = await newestHistories(database, id, { most: MOST_HISTORIES, maxBytes: MAX_HISTORY_BYTES })
  const versions = (await versionsOf(database, id))
    .map((version) => ({ ...version, history: histories.get(version.id) ?? null }))
    .reverse()
  const isHead = (version: HistoryVersion) => version.id === head_version_id
  return [...versions.filter((version) => !isHead(version)), ...versions.filter(isHead)]
}

/**
 * A version by its number, and what its changes are counted from: the version that its session was
 * opened on. `base` is undefined without changes to show.
 *
 * @throws Problem `version-not-found`
 */
export async function versionInHistory(
  { database }: Pick<Deps, 'database'>,
  document: DocumentRow,
  number: number,
): Promise<{ version: VersionRow; base: VersionRow | undefined }> {
  const version = await versionNumbered(database, document.id, number)
  if (version === undefined) throw new Problem('version-not-found')
  if (version.changes_sha256 === null || version.session_key === null) return { version, base: undefined }
  const session = await sessionByKey(database, version.session_key)
  return { version, base: session && (await findVersion(database, session.base_version_id)) }
}

/**
 * The key under which Document Server shows a version in the history. It caches content by key, and
 * the next session may run under a version's own: versions whose bytes still move are shown under a
 * key for these bytes.
 */
export function historyKeyOf({ kind, key, sha256 }: ListedVersion): string {
  const isMoving = kind === 'draft' || kind === 'conflict' || kind === 'recovery'
  return isMoving ? `${key}.${sha256.slice(0, 32)}` : key
}

/**
 * Makes an earlier version the head again.
 *
 * @returns the new head
 * @throws Problem `permission-missing`, `document-not-found`, `version-not-found`
 */
export async function restoreNumber(
  deps: RestoreDeps,
  caller: Caller,
  document: DocumentRow,
  number: number,
): Promise<VersionRow> {
  const { version } = await versionInHistory(deps, document, number)
  const restored = await restoreVersion(deps, caller, { documentId: document.id, versionId: version.id })
  return headVersion(deps, restored)
}

/**
 * Makes the document what it was at one change within a version: Document Server has made the file.
 *
 * @throws Problem `permission-missing`, `version-not-found`, `document-unsuitable` and all of `fetchFromEditor`
 */
export async function restoreChange(
  deps: RestoreDeps,
  caller: Caller,
  document: DocumentRow,
  { number, url, fileType }: { number: number; url: string; fileType: string },
): Promise<VersionRow> {
  demand(caller, 'documents:write')
  const { version } = await versionInHistory(deps, document, number)
  if (storableFormat(fileType).type !== formatOf(document.file_type)?.type)
    throw new Problem('document-unsuitable', `a .${document.file_type} does not become a .${fileType}`)
  const blob = await fetchFromEditor(deps, { url, fileType, strictness: 'family' })
  return replaceHead(deps, document, {
    kind: 'restored',
    blob,
    fileType,
    author: authorOf(caller),
    description: `Restored from a change within version ${version.number}`,
    activity: { action: 'restored', detail: { fromVersionNumber: version.number, isChange: true } },
  })
}
