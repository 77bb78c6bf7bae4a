import { z } from 'zod'
import { formatOf, nutoTypeOf } from '../core/formats.ts'
import type { DocumentRow } from '../metadata/schema.ts'
import type { ListedVersion } from '../metadata/versions.ts'
import { DocType, Time } from './fields.ts'

const Format = z.string().meta({ description: 'Extension of the file in capitals', example: 'DOCX' })
const Bytes = z.int().min(0).meta({ description: 'Bytes' })

/** Source: Nuto Office API, Document; `folder`, `externalId` and `metadata` are ours. */
export const DocumentJson = z
  .object({
    id: z.uuid(),
    title: z.string(),
    type: DocType,
    format: Format,
    createdAt: Time,
    updatedAt: Time,
    fileSize: Bytes,
    folder: z.string(),
    externalId: z.string().nullable(),
    metadata: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  })
  .meta({ id: 'Document' })

export function documentJson(document: DocumentRow): z.input<typeof DocumentJson> {
  return {
    id: document.id,
    title: document.title,
    type: typeOf(document),
    format: document.file_type.toUpperCase(),
    createdAt: document.created_at,
    updatedAt: document.updated_at,
    fileSize: document.size,
    folder: document.folder,
    externalId: document.external_id,
    metadata: JSON.parse(document.metadata),
  }
}

export function typeOf({ file_type }: Pick<DocumentRow, 'file_type'>): z.output<typeof DocType> {
  const format = formatOf(file_type)
  return format === undefined ? 'Docs' : nutoTypeOf(format)
}

/** Source: Nuto Office API, Versions; from `label` on it is ours. */
export const VersionJson = z
  .object({
    id: z.uuid(),
    versionNumber: z.int().min(1),
    createdAt: Time,
    createdBy: z.string(),
    changeDescription: z.string().nullable(),
    label: z.string().nullable(),
    kind: z.string().meta({
      description:
        'created, upload, draft (moved by automatic saves), cut, final, restored, renamed, json, conflict or recovery',
    }),
    isCurrent: z.boolean(),
    hasChanges: z
      .boolean()
      .meta({ description: 'The editor can show what changed since the version before' }),
    fileSize: Bytes,
    format: Format,
  })
  .meta({ id: 'Version' })

export function versionJson(
  version: ListedVersion,
  document: Pick<DocumentRow, 'head_version_id'>,
): z.input<typeof VersionJson> {
  return {
    id: version.id,
    versionNumber: version.number,
    createdAt: version.updated_at,
    createdBy: version.author_name,
    changeDescription: version.description,
    label: version.label,
    kind: version.kind,
    isCurrent: version.id === document.head_version_id,
    hasChanges: version.changes_sha256 !== null,
    fileSize: version.size,
    format: version.file_type.toUpperCase(),
  }
}
