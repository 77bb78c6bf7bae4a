import { zipSync } from 'fflate'
import type { CallbackFields } from './callbacks.ts'
import type { Change, EditedDocument } from './document.ts'
import type { ForcesaveType } from './types.ts'

// What a user did: left, came, pressed Save. Source: ONLYOFFICE Docs API, Callback handler, `actions`.
const LEFT = 0
const CAME = 1
const PRESSED_SAVE = 2

/** The build version in `history.serverVersion`, and with the build number what `version` answers. */
export const BUILD_VERSION = '4.1.2'
export const BUILD_NUMBER = 37

export type Urls = { url: string; changesurl: string | undefined }

export function cameBody(document: EditedDocument, userId: string): CallbackFields {
  return presence(document, { actions: [{ type: CAME, userid: userId }] })
}

export function leftBody(document: EditedDocument, userId: string): CallbackFields {
  return presence(document, { actions: [{ type: LEFT, userid: userId }] })
}

/** The callback that the command `info` sends: no actions. */
export function infoBody(document: EditedDocument, userdata: string | undefined): CallbackFields {
  const given = userdata === undefined ? {} : { userdata }
  return document.editors().length > 0 || document.changes.length > 0
    ? presence(document, given)
    : { key: document.key, status: 4, ...given }
}

export function unchangedBody(document: EditedDocument, userId: string): CallbackFields {
  return { key: document.key, status: 4, actions: [{ type: LEFT, userid: userId }] }
}

/** @param urls undefined when the conversion failed: a status 3 */
export function finalBody(
  document: EditedDocument,
  options: { urls: Urls | undefined; author: string; leaver: string; now: Date },
): CallbackFields {
  const { urls, author, leaver, now } = options
  const { lastChangeAt, forcesave } = document
  return {
    key: document.key,
    status: urls ? 2 : 3,
    ...builtFields(document, urls),
    users: [author],
    actions: [{ type: LEFT, userid: leaver }],
    // Without a change (opened from the forgotten store) there is no forced-save state to take them from.
    lastsave: lastChangeAt ? wholeSeconds(lastChangeAt) : now.toISOString(),
    notmodified: forcesave ? forcesave.isStored : null,
    ...(urls ? { filetype: savedType(document.fileType) } : {}),
  }
}

/** @param urls undefined when the conversion failed: a status 7 */
export function forcesaveBody(
  document: EditedDocument,
  options: {
    urls: Urls | undefined
    type: ForcesaveType
    author: string
    clicker: string | undefined
    userdata: string | undefined
    formsdataurl: string | undefined
    isRepeated: boolean
    now: Date
  },
): CallbackFields {
  const { urls, type, author, clicker, userdata, formsdataurl, isRepeated, now } = options
  return {
    key: document.key,
    status: urls ? 6 : 7,
    ...builtFields(document, urls),
    ...(urls && formsdataurl ? { formsdataurl } : {}),
    users: [author],
    ...(clicker === undefined ? {} : { actions: [{ type: PRESSED_SAVE, userid: clicker }] }),
    ...(userdata === undefined ? {} : { userdata }),
    lastsave: wholeSeconds(document.lastChangeAt ?? now),
    forcesavetype: type,
    ...(isRepeated ? { encrypted: false } : {}),
    ...(urls ? { filetype: savedType(document.fileType) } : {}),
  }
}

/** The binary formats are read but never written. */
export function savedType(fileType: string): string {
  return { doc: 'docx', xls: 'xlsx', ppt: 'pptx' }[fileType] ?? fileType
}

/** changes.zip: one part per entry of the history. */
export function changesArchive(changes: readonly Change[]): Buffer {
  const parts = changes.map((change, index) => [
    `changes${index}.json`,
    Buffer.from(
      JSON.stringify(change.edits.map((edit) => ('bytes' in edit ? { bytes: edit.bytes.length } : edit))),
    ),
  ])
  return Buffer.from(zipSync(Object.fromEntries(parts), { mtime: new Date(1980, 0, 1) }))
}

function presence(document: EditedDocument, more: object): CallbackFields {
  return { key: document.key, status: 1, users: document.editorIds(), ...more }
}

function builtFields(document: EditedDocument, urls: Urls | undefined): object {
  if (!urls) return {}
  // The changes of a session opened from the forgotten store do not belong to document.url's file.
  if (urls.changesurl === undefined) return { url: urls.url, history: {} }
  const changes = document.changes.map(({ created, user }) => ({
    documentSha256: document.baseSha256,
    created: created.toISOString().slice(0, 19).replace('T', ' '),
    user,
  }))
  return { ...urls, history: { serverVersion: BUILD_VERSION, changes } }
}

function wholeSeconds(time: Date): string {
  return new Date(Math.floor(time.getTime() / 1000) * 1000).toISOString()
}
