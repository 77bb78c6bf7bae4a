import { canComment, canEdit, canEditLossy, canFill, canReview, type Format } from '../core/formats.ts'
import type { Grant, Grants } from '../core/sharing/grants.ts'
import type { SharingOptions } from '../core/sharing/options.ts'
import type { TokenClaims } from '../core/tokens.ts'

export type EditorMode = TokenClaims<'page'>['mode']

/** The mode that format and grants allow. Formats of old binaries are shown, not edited. */
export function allowedMode(format: Format, grants: Grants, wanted: EditorMode): EditorMode {
  const isPossible = {
    view: true,
    edit: grants.has('edit') && (canEdit(format) || canEditLossy(format)),
    comment: grants.has('comment') && canComment(format),
    review: grants.has('review') && canReview(format),
    fillForms: grants.has('fillForms') && canFill(format),
  }
  if (isPossible[wanted]) return wanted
  if (wanted !== 'edit') return 'view'
  // The most that is possible.
  return (['fillForms', 'review', 'comment'] as const).find((mode) => isPossible[mode]) ?? 'view'
}

/** Source: ONLYOFFICE Docs API, Document, Permissions. */
export function permissionsOf(
  mode: EditorMode,
  format: Format,
  grants: Grants,
  groups: SharingOptions['groups'] = {},
) {
  const edits = mode === 'edit'
  const may = (grant: Grant, ...modes: EditorMode[]) => grants.has(grant) && (edits || modes.includes(mode))
  return {
    // While somebody looks on it stands for the button that asks for the right to edit.
    edit: edits || (mode === 'view' && allowedMode(format, grants, 'edit') === 'edit'),
    comment: may('comment', 'comment') && canComment(format),
    review: may('review', 'review') && canReview(format),
    fillForms: may('fillForms', 'fillForms') && (canFill(format) || edits),
    modifyContentControl: edits,
    modifyFilter: edits,
    protect: may('protect'),
    copy: grants.has('copy'),
    download: grants.has('download'),
    print: grants.has('print'),
    chat: grants.has('chat') && mode !== 'view',
    ...(groups.review === undefined ? {} : { reviewGroups: groups.review }),
    ...(groups.comment === undefined ? {} : { commentGroups: groups.comment }),
    ...(groups.userInfo === undefined ? {} : { userInfoGroups: groups.userInfo }),
  }
}
