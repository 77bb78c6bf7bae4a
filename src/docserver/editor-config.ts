import type { Format } from '../core/formats.ts'
import type { Admission } from '../core/sharing/admission.ts'
import type { Customization } from '../core/sharing/customization.ts'
import { FILE_TOKEN_S, type TokenClaims, type Tokens } from '../core/tokens.ts'
import type { DocumentRow, SessionRow, VersionRow } from '../metadata/schema.ts'
import type { ActionLink } from './action-link.ts'
import { permissionsOf } from './permissions.ts'
import type { DocServerTokens } from './tokens.ts'

/** A page may wait in a background tab before its script runs. */
const CONFIG_TOKEN_S = 3600

export type Opening = Pick<TokenClaims<'page'>, 'mode' | 'type' | 'lang' | 'user' | 'isStrict'>

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
    publicUrl,
    openedAt,
    customization: ofService,
  }: {
    tokens: Tokens
    docServerTokens: DocServerTokens
    internalUrl: string
    publicUrl: string
    openedAt: Date
    /** The administrator's; what came with an embed or link goes before. */
    customization: Customization
  },
  opened: {
    document: DocumentRow
    session: SessionRow
    content: VersionRow
    format: Format
    /** Undefined: no star is shown. */
    isFavorite: boolean | undefined
  },
  { mode, type, lang, user, isStrict = false, actionLink }: Opening & { actionLink?: ActionLink | undefined },
  { grants, isGuest, seesWorkspace, options }: Admission,
) {
  const { document, session, content, format, isFavorite } = opened
  const { createUrl, templates, recent, ...customization } = { ...ofService, ...options.customization }
  const fileToken = tokens.issue('file', { versionId: content.id, part: 'content' }, FILE_TOKEN_S)
  const config = {
    documentType: format.type,
    type,
    document: {
      fileType: content.file_type,
      key: session.key,
      title: `${document.title}.${content.file_type}`,
      url: `${internalUrl}/api/onlyoffice/file/${document.id}?t=${fileToken}`,
      // Spreadsheets take values from each other by it.
      ...(seesWorkspace ? { referenceData: { fileKey: document.id, instanceId: publicUrl } } : {}),
      info: {
        owner: document.created_by,
        uploaded: document.created_at,
        ...(isFavorite === undefined ? {} : { favorite: isFavorite }),
      },
      permissions: permissionsOf(mode, format, grants, options.groups),
      ...(options.watermark === undefined
        ? {}
        : { options: { watermark_on_draw: watermarkOf(options.watermark, user.name, openedAt) } }),
    },
    editorConfig: {
      callbackUrl: `${internalUrl}/api/onlyoffice/callback`,
      // Comment, review and fill go on in the editing mode of the API, narrowed by permissions.
      mode: mode === 'view' ? 'view' : 'edit',
      ...(lang === undefined ? {} : { lang }),
      ...(actionLink === undefined ? {} : { actionLink }),
      user,
      // A viewer in fast mode sees what others type, in strict mode what was saved.
      coEditing: { mode: isStrict ? 'strict' : 'fast', change: mode !== 'view' },
      ...(createUrl === undefined ? {} : { createUrl }),
      ...(templates === undefined ? {} : { templates }),
      ...(recent === undefined ? {} : { recent }),
      customization: { ...customization, ...anonymousOf(isGuest), autosave: true, forcesave: true },
    },
  }
  return { config, token: docServerTokens.sign(config, CONFIG_TOKEN_S) }
}

export type SignedConfig = ReturnType<typeof editorConfig>

/** We asked for the name: the editor does not ask again. Source: ONLYOFFICE Docs API, Customization, anonymous. */
function anonymousOf(isGuest: boolean) {
  return isGuest ? { anonymous: { request: false } } : {}
}

/** Millimetres, degrees, points. Source: ONLYOFFICE Docs API, watermark_on_draw. */
function watermarkOf(text: string, userName: string, at: Date) {
  const filled = text.replaceAll('{user}', userName).replaceAll('{date}', at.toISOString().slice(0, 10))
  return {
    transparent: 0.3,
    type: 'rect',
    width: 250,
    height: 100,
    rotate: -45,
    margins: [10, 10, 10, 10],
    fill: [],
    'stroke-width': 1,
    stroke: [],
    align: 1,
    paragraphs: [
      {
        align: 2,
        fill: [],
        linespacing: 1,
        runs: [{ text: filled, fill: [182, 182, 182], 'font-size': 48 }],
      },
    ],
  }
}
