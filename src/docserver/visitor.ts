import type { Request } from 'express'
import { readableDocument } from '../core/documents.ts'
import {
  type Admission,
  admissionOfCaller,
  admissionOfEmbed,
  admissionOfPage,
} from '../core/sharing/admission.ts'
import type { Grant } from '../core/sharing/grants.ts'
import { Problem } from '../errors.ts'
import { bearerOf } from '../http/authentication.ts'
import type { DocumentRow } from '../metadata/schema.ts'
import type { Door } from './door.ts'

/** Somebody at a document that they were let in to. */
export type Visitor = Admission & { document: DocumentRow }

/**
 * Who asks for something about a document: a page that shows it, an embed, a client of the API, or
 * the administrator's browser.
 *
 * @throws Problem `token-missing`, `token-invalid` (also for another document's token), `origin-refused`,
 *   `document-not-found`, `permission-missing`
 */
export async function visitorOf(
  door: Pick<Door, 'deps' | 'tokens' | 'authentication' | 'csrf'>,
  request: Request,
  documentId: string,
): Promise<Visitor> {
  const admission = await admissionOf(door, request, documentId)
  return { ...admission, document: await readableDocument(door.deps, admission.caller, documentId) }
}

async function admissionOf(
  { deps, tokens, authentication, csrf }: Pick<Door, 'deps' | 'tokens' | 'authentication' | 'csrf'>,
  request: Request,
  documentId: string,
): Promise<Admission> {
  const { t } = request.query
  // EventSource sends no headers: pages name themselves in the query where nothing changes.
  const token = bearerOf(request) ?? (request.method === 'GET' && typeof t === 'string' ? t : undefined)
  if (token !== undefined) {
    const page = tokens.read('page', token)
    const embed = tokens.read('embed', token)
    const named = page ?? embed
    if (named !== undefined && named.documentId !== documentId) throw new Problem('token-invalid')
    if (page !== undefined) return admissionOfPage(deps, page)
    if (embed !== undefined) return admissionOfEmbed(deps, embed)
    return admissionOfCaller(await authentication.byBearer(request))
  }
  const caller = await authentication.byBearerOrCookie(request)
  if (!['GET', 'HEAD'].includes(request.method)) csrf.demand(request)
  return admissionOfCaller(caller)
}

/** @throws Problem `grant-missing` */
export function demandGrant({ grants }: Pick<Visitor, 'grants'>, grant: Grant): void {
  if (!grants.has(grant)) throw new Problem('grant-missing', `this needs ${grant}`)
}
