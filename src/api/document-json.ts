import { formatOf, nutoTypeOf } from '../core/formats.ts'
import type { DocumentRow, VersionRow } from '../metadata/schema.ts'

/** Source: Nuto Office API, Document. `fileSize` in bytes. */
export function documentJson(document: DocumentRow) {
  const format = formatOf(document.file_type)
  return {
    id: document.id,
    title: document.title,
    type: format === undefined ? 'Docs' : nutoTypeOf(format),
    format: document.file_type.toUpperCase(),
    createdAt: document.created_at,
    updatedAt: document.updated_at,
    fileSize: document.size,
  }
}

/** Source: Nuto Office API, Versions; `kind`, `isCurrent`, `fileSize` and `format` are ours. */
export function versionJson(version: VersionRow, document: Pick<DocumentRow, 'head_version_id'>) {
  return {
    id: version.id,
    versionNumber: version.number,
    createdAt: version.updated_at,
    createdBy: version.author_name,
    changeDescription: version.description,
    kind: version.kind,
    isCurrent: version.id === document.head_version_id,
    fileSize: version.size,
    format: version.file_type.toUpperCase(),
  }
}
