import { Problem } from '../errors.ts'
import { findDocument } from '../metadata/documents.ts'
import { documentNamed } from '../metadata/linked-files.ts'
import type { DocumentRow, VersionRow } from '../metadata/schema.ts'
import { currentSession } from '../metadata/sessions.ts'
import { versionById } from '../metadata/versions.ts'
import type { Deps } from './deps.ts'
import { type DocumentType, formatOf } from './formats.ts'
import { splitFileName } from './titles.ts'

/** How the editor names another document; looked up in this order. */
export type Reference = {
  /** Undefined when it was made by another installation. */
  id: string | undefined
  /** File name, or a path that ends with it. */
  path: string | undefined
  /** Id that an address of ours names. */
  linkedId: string | undefined
}

/** Another document of the same workspace. @throws Problem `document-not-found` */
export async function neighbourOf(
  { database }: Pick<Deps, 'database'>,
  { workspace_id }: DocumentRow,
  id: string,
): Promise<DocumentRow> {
  const document = await findDocument(database, id, workspace_id)
  if (document === undefined) throw new Problem('document-not-found')
  return document
}

/** @throws Problem `document-unsuitable` */
export function demandType({ file_type }: DocumentRow, type: DocumentType): void {
  if (formatOf(file_type)?.type !== type)
    throw new Problem('document-unsuitable', `a .${file_type} file is not what is needed here`)
}

/** What a reference of a document names; undefined when its workspace has no such document. */
export async function referredDocument(
  { database }: Pick<Deps, 'database'>,
  from: DocumentRow,
  { id, path, linkedId }: Reference,
): Promise<DocumentRow | undefined> {
  const byId = (wanted: string | undefined) =>
    wanted === undefined ? undefined : findDocument(database, wanted, from.workspace_id)
  return (
    (await byId(id)) ??
    (path === undefined ? undefined : await documentAtPath({ database }, from, path)) ??
    (await byId(linkedId))
  )
}

/** By name in the same folder, then anywhere in the workspace: paths of other systems mean nothing here. */
async function documentAtPath(
  { database }: Pick<Deps, 'database'>,
  { workspace_id: workspaceId, folder }: DocumentRow,
  path: string,
): Promise<DocumentRow | undefined> {
  for (const name of new Set([path, decoded(path)])) {
    const { title, extension: fileType } = splitFileName(name)
    const file = { workspaceId, title, fileType }
    const found =
      (await documentNamed(database, { ...file, folder })) ?? (await documentNamed(database, file))
    if (found !== undefined) return found
  }
  return undefined
}

/** Formulas may hold a path as an address has it. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}

/** What somebody who opens the document now would see, and under which key. */
export async function newestContent(
  { database }: Pick<Deps, 'database'>,
  { id, head_version_id }: DocumentRow,
): Promise<{ key: string; version: VersionRow }> {
  const session = await currentSession(database, id)
  const versionId =
    session === undefined ? head_version_id : (session.content_version_id ?? session.base_version_id)
  const version = await versionById(database, versionId)
  return { key: session?.key ?? version.key, version }
}
