import type { VersionKind } from '../../metadata/schema.ts'
import type { ListedVersion } from '../../metadata/versions.ts'
import { shownSize, shownTime, shownTitle } from '../files/shown.ts'

const KINDS: Record<VersionKind, string> = {
  created: 'Created',
  upload: 'Uploaded',
  draft: 'Draft, saved automatically',
  cut: 'Saved while editing',
  final: 'Saved when all had left',
  restored: 'Restored',
  renamed: 'Renamed',
  json: 'Given by the API',
  conflict: 'Conflict',
  recovery: 'Recovered',
}

/** What the two that are never the current one mean, and what to do. */
const ADVICE: Partial<Record<VersionKind, string>> = {
  conflict:
    'These edits were made to content that was replaced meanwhile, so they are not in the current version. ' +
    'Download them and take over what is missing, or restore them in place of the current version.',
  recovery:
    'Document Server could not build this file as it should, so it may be damaged and is not the current version. ' +
    'Download it and look whether it opens before you restore it.',
}

export function versionShown(version: ListedVersion, headVersionId: string) {
  const { id, number, kind, author_name, label, description, file_type, size, updated_at } = version
  const kindWords = KINDS[kind]
  // "Renamed" and then "Renamed from …" would be once too often.
  const isSaidTwice = description?.startsWith(kindWords) === true
  return {
    id,
    number,
    kind,
    kindWords,
    came: isSaidTwice ? description : kindWords,
    description: isSaidTwice ? null : description,
    advice: ADVICE[kind],
    isCurrent: id === headVersionId,
    author: shownTitle(author_name),
    label,
    type: file_type.toUpperCase(),
    size: shownSize(size),
    at: updated_at,
    time: shownTime(updated_at),
  }
}
