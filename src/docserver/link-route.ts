import { randomBytes } from 'node:crypto'
import { parseCookie, stringifySetCookie } from 'cookie'
import express, { type Request, type Response, Router } from 'express'
import { z } from 'zod'
import { readableDocument } from '../core/documents.ts'
import { admissionOfLink } from '../core/sharing/admission.ts'
import { workingLink } from '../core/sharing/links.ts'
import type { SharedUser } from '../core/sharing/options.ts'
import { Problem } from '../errors.ts'
import { shownTitle } from '../pages/files/shown.ts'
import type { Door } from './door.ts'
import { sendEditorPage } from './editor-page.ts'
import { openingOf } from './open-editor.ts'

const GUEST_COOKIE = 'docs_guest'
const GUEST_S = 365 * 86_400

/** A guest who has not chosen a name. */
const NOBODY_YET: SharedUser = { id: 'guest', name: '' }

const GuestName = z.object({ name: z.string().trim().min(1).max(100) })

/** `/open/{token}`: the page behind a link. Guests choose a name first and keep an id of their own. */
export function linkRoute(door: Door): Router {
  const router = Router()
  const { deps, tokens, views, addresses } = door
  const { pathname, protocol } = new URL(addresses.publicUrl)

  router.get('/:token', async (request, response) => {
    const link = await workingLink(deps, linkIdOf(request))
    const guest = guestOf(request)
    if (link.user === null && guest === undefined) return askName(response, link.id, { status: 200 })
    const { documentId, ...admission } = await admissionOfLink(deps, link.id, guest)
    const wanted = openingOf(request, admission.caller)
    await sendEditorPage(door, response, {
      admission,
      documentId,
      opening: { ...wanted, user: admission.user },
      frameAncestors: deps.config.FRAME_ANCESTORS,
    })
  })

  router.post('/:token', express.urlencoded({ extended: false, limit: 4096 }), async (request, response) => {
    const link = await workingLink(deps, linkIdOf(request))
    const given = GuestName.safeParse(request.body ?? {})
    if (!given.success) {
      const message = 'Please choose a name of 1 to 100 characters.'
      return askName(response, link.id, { status: 400, message })
    }
    const known = guestOf(request)
    // Two people with one id would be one user to Document Server.
    const id = known?.id ?? `guest-${randomBytes(12).toString('base64url')}`
    response
      .set('Set-Cookie', guestCookie({ id, name: given.data.name.toWellFormed() }))
      .redirect(303, `${pathname.replace(/\/+$/, '')}/open/${request.params.token}`)
  })

  function linkIdOf(request: Request): string {
    const claims = tokens.read('link', String(request.params.token))
    if (claims === undefined) throw new Problem('token-invalid', 'this link is not valid')
    return claims.linkId
  }

  function guestOf(request: Request): SharedUser | undefined {
    const cookie = parseCookie(request.headers.cookie ?? '')[GUEST_COOKIE]
    const guest = cookie === undefined ? undefined : tokens.read('guest', cookie)
    return guest && { id: guest.id, name: guest.name }
  }

  function guestCookie(guest: SharedUser): string {
    return stringifySetCookie({
      name: GUEST_COOKIE,
      value: tokens.issue('guest', { id: guest.id, name: guest.name }, GUEST_S),
      httpOnly: true,
      sameSite: 'lax',
      secure: protocol === 'https:',
      path: pathname,
      maxAge: GUEST_S,
    })
  }

  /** @throws Problem `token-invalid`, `document-not-found`, `permission-missing`: nobody chooses a name in vain */
  async function askName(
    response: Response,
    linkId: string,
    { status, message = '' }: { status: number; message?: string },
  ): Promise<void> {
    const { caller, documentId } = await admissionOfLink(deps, linkId, NOBODY_YET)
    const { title, file_type } = await readableDocument(deps, caller, documentId)
    const data = { message, document: `${shownTitle(title)}.${file_type}` }
    response.status(status).set('Cache-Control', 'no-store').send(views.render('guest', data))
  }

  return router
}
