import type { Deps } from '../../core/deps.ts'
import { namesOfDocuments } from '../../metadata/document-names.ts'
import { forgottenFiles } from '../../metadata/forgotten.ts'
import { namedSavesAtRisk, undecidedVersions } from '../../metadata/kept-versions.ts'
import { sessionByKey } from '../../metadata/sessions.ts'

const MOST_SHOWN = 100

/** What the status of a callback says. Source: ONLYOFFICE Docs API, Callback handler. */
const KIND_OF_STATUS: Record<number, string> = {
  2: 'the last save, after everyone had left',
  3: 'the last save: Document Server could not build the file',
  6: 'a save while people edit',
  7: 'a save while people edit: Document Server could not build the file',
}

/** Everything that is not simply a stored version. */
export async function savesPart({ database, docServer }: Pick<Deps, 'database' | 'docServer'>) {
  const [failed, versions, forgotten] = await Promise.all([
    namedSavesAtRisk(database, MOST_SHOWN),
    undecidedVersions(database, MOST_SHOWN),
    forgottenFiles(database),
  ])
  const shown = forgotten.slice(0, MOST_SHOWN)
  const sessions = await Promise.all(shown.map(({ key }) => sessionByKey(database, key)))
  const names = await namesOfDocuments(
    database,
    sessions.flatMap((session) => session?.document_id ?? []),
  )
  return {
    hasDocServer: docServer !== undefined,
    mostShown: MOST_SHOWN,
    failed: failed.map((save) => ({
      key: save.key,
      documentId: save.document_id,
      name: `${save.title || 'Untitled'}.${save.document_type}`,
      kind: KIND_OF_STATUS[save.status] ?? `status ${save.status}`,
      error: save.error ?? 'unknown',
      receivedAt: save.received_at,
    })),
    versions: versions.map((version) => ({
      ...version,
      name: `${version.title || 'Untitled'}.${version.file_type}`,
    })),
    forgotten: shown.map((file, index) => {
      const documentId = sessions[index]?.document_id
      return {
        key: file.key,
        reason: file.reason,
        firstSeenAt: file.first_seen_at,
        documentId,
        name: documentId === undefined ? undefined : names.get(documentId),
      }
    }),
  }
}
