import type { Deps } from '../../core/deps.ts'
import { namesOfDocuments } from '../../metadata/document-names.ts'
import { forgottenFiles } from '../../metadata/forgotten.ts'
import { namedSavesAtRisk, undecidedVersions } from '../../metadata/kept-versions.ts'
import { sessionByKey } from '../../metadata/sessions.ts'

const MOST_SHOWN = 100

/** What the status of a callback says. Source: ONLYOFFICE Docs API, Callback handler. */
const KIND_OF_STATUS: Record<number, string> = {
  2: 'The last save, after everyone had left',
  3: 'The last save: Document Server could not build the file',
  6: 'A save while people edit',
  7: 'A save while people edit: Document Server could not build the file',
}

/** What stood in the way of a save; more on each, and what helps, is in the guide to errors. */
const WHY: Record<string, string> = {
  'download-failed': 'The file could not be fetched from Document Server.',
  'download-refused': 'The file lies at an address that is not allowed.',
  'content-not-as-announced': 'What came is no such file.',
  'upload-too-large': 'The file is larger than the limit.',
  'storage-unavailable': 'The disk is full or cannot be written.',
  'save-without-url': 'No file came with it.',
  'document-server-failed': 'Document Server does not answer as it should.',
  'no session has this key': 'No document here knows it, as after the restore of an older backup.',
  interrupted: 'The service was stopped while it saved.',
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
      kind: KIND_OF_STATUS[save.status] ?? `Status ${save.status}`,
      error: save.error ?? 'unknown',
      why: WHY[save.error ?? ''] ?? 'An unforeseen fault, told in the log.',
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
        why: WHY[file.reason] ?? file.reason,
        firstSeenAt: file.first_seen_at,
        documentId,
        name: documentId === undefined ? undefined : names.get(documentId),
      }
    }),
  }
}
