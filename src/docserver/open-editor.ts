import type { Request } from 'express'
import { z } from 'zod'
import { authorOf, type Caller, may } from '../core/callers.ts'
import { readableDocument } from '../core/documents.ts'
import { openSession } from '../core/sessions.ts'
import { headVersion } from '../core/versions.ts'
import { Problem } from '../errors.ts'
import type { DocumentRow } from '../metadata/schema.ts'
import type { Door } from './door.ts'
import { allowedMode, editorConfig, type Opening, type SignedConfig } from './editor-config.ts'

/** Longest user id that Document Server takes. */
const MAX_USER_ID = 128
const MOBILE = /Android|webOS|iPhone|iPad|iPod|BlackBerry|IEMobile|Opera Mini/i

const Query = z.object({
  mode: z.enum(['edit', 'view', 'comment', 'review', 'fillForms']).default('edit'),
  type: z.enum(['desktop', 'mobile', 'embedded']).optional(),
  lang: z
    .string()
    .regex(/^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/)
    .optional(),
  userId: z.string().min(1).max(MAX_USER_ID).optional(),
  userName: z.string().min(1).max(100).optional(),
})

/** How the caller wants to open a document. @throws ZodError */
export function openingOf(request: Request, caller: Caller): Opening {
  const query = Query.parse(request.query)
  const self = authorOf(caller)
  const type = query.type ?? (MOBILE.test(request.headers['user-agent'] ?? '') ? 'mobile' : 'desktop')
  return {
    mode: query.mode,
    type,
    ...(query.lang === undefined ? {} : { lang: query.lang }),
    user: { id: query.userId ?? self.id, name: query.userName ?? query.userId ?? self.name },
  }
}

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
  caller: Caller,
  documentId: string,
  wanted: Opening,
): Promise<OpenedEditor> {
  const { docServerUrl } = door.addresses
  if (docServerUrl === undefined) throw new Problem('document-server-missing')
  const document = await readableDocument(door.deps, caller, documentId)
  const head = await headVersion(door.deps, document)
  const format = await door.openableFormat(head)
  // Who may not write looks on.
  const mode = may(caller, 'documents:write') ? wanted.mode : 'view'
  const opening = { ...wanted, mode: allowedMode(format, mode) }
  const { session, content } = await openSession(door.deps, document, {
    head,
    forEditing: opening.mode !== 'view',
  })
  return {
    ...editorConfig(
      { tokens: door.tokens, docServerTokens: door.docServerTokens, internalUrl: door.addresses.internalUrl },
      { document, session, content, format },
      opening,
    ),
    document,
    opening,
    onlyofficeJsUrl: `${docServerUrl}/web-apps/apps/api/documents/api.js`,
  }
}
