import { canComment, canEdit, canEditLossy, canFill, canReview, type Format } from '../core/formats.ts'
import { FILE_TOKEN_S, type TokenClaims, type Tokens } from '../core/tokens.ts'
import type { DocumentRow, SessionRow, VersionRow } from '../metadata/schema.ts'
import type { DocServerTokens } from './tokens.ts'

/** A page may wait in a background tab before its script runs. */
const CONFIG_TOKEN_S = 3600

export type EditorMode = TokenClaims<'page'>['mode']
export type Opening = Omit<TokenClaims<'page'>, 'documentId' | 'clientId'>

/** The mode that the format allows. Formats of old binaries are shown, not edited. */
export function allowedMode(format: Format, wanted: EditorMode): EditorMode {
  const isPossible = {
    view: true,
    edit: canEdit(format) || canEditLossy(format),
    comment: canComment(format),
    review: canReview(format),
    fillForms: canFill(format),
  }
  if (isPossible[wanted]) return wanted
  return wanted === 'edit' && canFill(format) ? 'fillForms' : 'view'
}

/**
 * The editor's config and its token over all of it. `url` names the session's newest stored
 * content; the callback address is the same for all documents and carries no identity.
 *
 * Source: ONLYOFFICE Docs API, Advanced parameters; Security, Signature, Browser.
 */
export function editorConfig(
  {
    tokens,
    docServerTokens,
    internalUrl,
  }: { tokens: Tokens; docServerTokens: DocServerTokens; internalUrl: string },
  opened: { document: DocumentRow; session: SessionRow; content: VersionRow; format: Format },
  { mode, type, lang, user }: Opening,
) {
  const { document, session, content, format } = opened
  const fileToken = tokens.issue('file', { versionId: content.id, part: 'content' }, FILE_TOKEN_S)
  const config = {
    documentType: format.type,
    type,
    document: {
      fileType: content.file_type,
      key: session.key,
      title: `${document.title}.${content.file_type}`,
      url: `${internalUrl}/api/onlyoffice/file/${document.id}?t=${fileToken}`,
      info: { owner: document.created_by, uploaded: document.created_at },
      permissions: permissionsOf(mode, format),
    },
    editorConfig: {
      callbackUrl: `${internalUrl}/api/onlyoffice/callback`,
      // Comment, review and fill go on in the editing mode of the API, narrowed by permissions.
      mode: mode === 'view' ? 'view' : 'edit',
      ...(lang === undefined ? {} : { lang }),
      user,
      coEditing: { mode: 'fast', change: mode !== 'view' },
      customization: { autosave: true, forcesave: true },
    },
  }
  return { config, token: docServerTokens.sign(config, CONFIG_TOKEN_S) }
}

export type SignedConfig = ReturnType<typeof editorConfig>

function permissionsOf(mode: EditorMode, format: Format) {
  const edits = mode === 'edit'
  return {
    edit: edits,
    comment: (edits || mode === 'comment') && canComment(format),
    review: (edits || mode === 'review') && canReview(format),
    fillForms: (edits || mode === 'fillForms') && (canFill(format) || edits),
    modifyContentControl: edits,
    modifyFilter: edits,
    copy: true,
    download: true,
    print: true,
    chat: mode !== 'view',
  }
}
