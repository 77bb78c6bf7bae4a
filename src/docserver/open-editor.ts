import type { Request } from 'express'
import { z } from 'zod'
import { authorOf, type Caller } from '../core/callers.ts'
import { readableDocument } from '../core/documents.ts'
import { isFavorite } from '../core/favorites.ts'
import { noteOpening } from '../core/openings.ts'
import { openSession } from '../core/sessions.ts'
import { type Admission, admittedBy } from '../core/sharing/admission.ts'
import { noteAdmission } from '../core/sharing/admissions.ts'
import { headVersion } from '../core/versions.ts'
import { Problem } from '../errors.ts'
import type { DocumentRow } from '../metadata/schema.ts'
import { type ActionLink, ActionLinkParameter } from './action-link.ts'
import type { Door } from './door.ts'
import { editorConfig, type Opening, type SignedConfig } from './editor-config.ts'
import { allowedMode } from './permissions.ts'

/** Longest user id that Document Server takes. */
const MAX_USER_ID = 128
const MOBILE = /Android|webOS|iPhone|iPad|iPod|BlackBerry|IEMobile|Opera Mini/i

/** The query of the addresses that open a document. */
export const OpeningQuery = z.object({
  mode: z
    .enum(['edit', 'view', 'comment', 'review', 'fillForms'])
    .default('edit')
    .meta({ description: 'Narrowed to what the format and the token allow' }),
  type: z
    .enum(['desktop', 'mobile', 'embedded'])
    .optional()
    .meta({ description: 'By the user agent if missing' }),
  lang: z
    .string()
    .regex(/^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/)
    .optional()
    .meta({ description: 'Of the editor', example: 'de' }),
  coEditing: z
    .enum(['fast', 'strict'])
    .default('fast')
    .meta({ description: '`strict`: others see changes when they are saved' }),
  userId: z
    .string()
    .min(1)
    .max(MAX_USER_ID)
    .optional()
    .meta({ description: 'Who edits; else the API client' }),
  userName: z.string().min(1).max(100).optional(),
  action: ActionLinkParameter.optional().meta({
    description: 'A place in the document, as base64url of JSON; the editor makes such addresses',
  }),
})

/** How the caller wants to open a document. @throws ZodError */
export function openingOf(request: Request, caller: Caller): Wanted {
  const query = OpeningQuery.parse(request.query)
  const self = authorOf(caller)
  const type = query.type ?? (MOBILE.test(request.headers['user-agent'] ?? '') ? 'mobile' : 'desktop')
  return {
    mode: query.mode,
    type,
    ...(query.lang === undefined ? {} : { lang: query.lang }),
    ...(query.coEditing === 'strict' ? { isStrict: true } : {}),
    ...(query.action === undefined ? {} : { actionLink: query.action }),
    user: { id: query.userId ?? self.id, name: query.userName ?? query.userId ?? self.name },
  }
}

/** `actionLink`: what the editor scrolls to once it is open. */
export type Wanted = Opening & { actionLink?: ActionLink | undefined }

export type OpenedEditor = SignedConfig & { document: DocumentRow; opening: Opening; onlyofficeJsUrl: string }

/**
 * Opens a document in the editor: finds or makes the session that all openers share and signs a
 * config for this one.
 *
 * @throws Problem `document-server-missing`, `document-not-found`, `permission-missing`,
 *   `extension-unsupported`, `content-mismatch`, `saving-in-progress`
 */
export async function openEditor(
  door: Door,
  admission: Admission,
  documentId: string,
  { actionLink, ...wanted }: Wanted,
): Promise<OpenedEditor> {
  const { docServerUrl } = door.addresses
  if (docServerUrl === undefined) throw new Problem('document-server-missing')
  const document = await readableDocument(door.deps, admission.caller, documentId)
  const head = await headVersion(door.deps, document)
  const format = await door.openableFormat(head)
  const opening = { ...wanted, mode: allowedMode(format, admission.grants, wanted.mode) }
  const { session, content } = await openSession(door.deps, document, {
    head,
    forEditing: opening.mode !== 'view',
  })
  noteOpening(door.deps, document, { ...opening, isPerson: isNamedByClient(admission) })
  noteAdmission(door.deps, {
    sessionKey: session.key,
    userId: opening.user.id,
    by: admittedBy(admission),
    mayEdit: opening.mode !== 'view',
    expiresAt: admission.expiresAt,
  })
  return {
    ...editorConfig(
      {
        tokens: door.tokens,
        docServerTokens: door.docServerTokens,
        internalUrl: door.addresses.internalUrl,
        publicUrl: door.addresses.publicUrl,
        openedAt: door.deps.clock(),
        customization: door.deps.config.EDITOR_CUSTOMIZATION,
      },
      { document, session, content, format, isFavorite: await favoriteOf(door, admission, document) },
      { ...opening, actionLink },
      admission,
    ),
    document,
    opening,
    onlyofficeJsUrl: `${docServerUrl}/web-apps/apps/api/documents/api.js`,
  }
}

/** A client's user, not somebody whom an embed or a link lets in, nor the client itself. */
function isNamedByClient({ caller, user, embedId, linkId }: Admission): boolean {
  return caller.kind === 'client' && embedId === undefined && linkId === undefined && user.id !== caller.id
}

/** Undefined for guests: then the editor shows no star. */
async function favoriteOf(
  { deps }: Door,
  { isGuest, user }: Admission,
  document: DocumentRow,
): Promise<boolean | undefined> {
  return isGuest ? undefined : isFavorite(deps, { documentId: document.id, userId: user.id })
}
