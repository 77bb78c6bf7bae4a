import { Problem } from '../../errors.ts'
import { findDocument, findTrashed } from '../../metadata/documents.ts'
import type { DocumentRow, VersionKind, VersionRow } from '../../metadata/schema.ts'
import { findVersion } from '../../metadata/versions.ts'
import { type Caller, workspaceOf } from '../callers.ts'
import type { Deps } from '../deps.ts'
import type { Held } from '../locks.ts'
import { addDocumentIn } from '../new-document.ts'
import { giveLabel, restoreVersion } from '../versions.ts'

/** `document`: a new one beside it; `head`: what its document shows from now on. */
export const KEPT_AS = ['document', 'head'] as const
export type KeptAs = (typeof KEPT_AS)[number]

/** Kinds that wait for somebody. */
const ASIDE: VersionKind[] = ['conflict', 'recovery']

type KeepDeps = Parameters<typeof restoreVersion>[0] & Pick<Deps, 'blobs' | 'config' | 'locks'>
type Wanted = { versionId: string; as: KeptAs; title?: string | undefined; id: string }

/**
 * Makes something of a conflict or recovery version. It stays where it is and gets a label: somebody
 * has dealt with it.
 *
 * @param wanted.id of the document, if one is made
 * @returns the document that shows the content now
 * @throws Problem `version-not-found`, `document-not-found` (the head of a document in the trash),
 *   `precondition-failed` (somebody has dealt with it already, or a save changes it)
 */
export function keepVersion(deps: KeepDeps, caller: Caller, wanted: Wanted): Promise<DocumentRow> {
  // Of two at once, the second finds it dealt with.
  return deps.locks.run(wanted.versionId, (held) => keep(deps, caller, wanted, held))
}

async function keep(deps: KeepDeps, caller: Caller, wanted: Wanted, held: Held): Promise<DocumentRow> {
  const { version, document } = await undecided(deps, caller, wanted.versionId)
  if (wanted.as === 'head') {
    return restoreVersion(deps, caller, {
      documentId: document.id,
      versionId: version.id,
      async also(tx) {
        await held.demand(tx)
        const { sha256 } = await giveLabel(tx, version.id, 'Made the current version')
        // Labelled, what came meanwhile would pass for dealt with.
        if (sha256 !== version.sha256)
          throw new Problem('precondition-failed', 'a save has just put other content into this version')
      },
    })
  }
  const title = wanted.title ?? `${document.title} (${version.kind})`
  return deps.database.transaction().execute(async (tx) => {
    await held.demand(tx)
    // As it is now: its session may have saved since it was looked at.
    const kept = await giveLabel(tx, version.id, 'Kept as a document of its own')
    return addDocumentIn(tx, deps, caller, {
      title,
      fileType: kept.file_type,
      blob: { sha256: kept.sha256, size: kept.size },
      kind: 'created',
      action: 'copied',
      workspaceId: document.workspace_id,
      description: `Version ${version.number} (${version.kind}) of “${document.title}”`,
      place: { id: wanted.id, folder: document.folder },
    })
  })
}

async function undecided(
  { database }: Pick<Deps, 'database'>,
  caller: Caller,
  versionId: string,
): Promise<{ version: VersionRow; document: DocumentRow }> {
  const version = await findVersion(database, versionId)
  if (version === undefined) throw new Problem('version-not-found')
  if (ASIDE.includes(version.kind) && version.label !== null) {
    throw new Problem('precondition-failed', `somebody has dealt with this version: ${version.label}`)
  }
  const within = workspaceOf(caller)
  const document =
    (await findDocument(database, version.document_id, within)) ??
    (await findTrashed(database, version.document_id, within))
  if (document === undefined) throw new Problem('version-not-found')
  return { version, document }
}
