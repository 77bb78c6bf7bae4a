import { stringifySetCookie } from 'cookie'
import { type Response, Router } from 'express'
import type { Deps } from '../core/deps.ts'
import type { Tokens } from '../core/tokens.ts'
import type { ContinuousDoctor } from '../doctor/continuous.ts'
import { Problem } from '../errors.ts'
import { ADMINISTRATOR_COOKIE, isAdministrator } from '../http/authentication.ts'
import type { SendAppPage } from './app-page.ts'
import { doctorPage } from './doctor-page.ts'
import { documentPage } from './document/document-page.ts'
import { filesPage } from './files/files-page.ts'
import { trashPage } from './files/trash-page.ts'
import { liveRoute } from './live-route.ts'
import { operationsPages } from './operations/routes.ts'
import { settingsPages } from './settings/routes.ts'

/** What the pages behind the sign-in use. */
export type SignedInPages = {
  deps: Deps
  tokens: Tokens
  send: SendAppPage
  /** Path of our address, without a slash at the end. */
  basePath: string
  /** Open event streams. */
  streams: Set<Response>
  /** Undefined: nobody looks. */
  doctor?: ContinuousDoctor | undefined
}

const SECTIONS = /^\/(files|documents|trash|operations|settings|admin|live)(\/|$)/

/** The pages of the signed-in administrator. What they change, their scripts ask of the REST API. */
export function signedInPages(pages: SignedInPages): Router {
  const router = Router()
  const { tokens, basePath } = pages

  router.use((request, response, next) => {
    if (!SECTIONS.test(request.path) || isAdministrator(request, tokens)) return next()
    if (request.path === '/live') throw new Problem('token-missing')
    response.redirect(303, `${basePath}/`)
  })
  router.use(liveRoute(pages))
  router.use(filesPage(pages))
  router.use(trashPage(pages))
  router.use(documentPage(pages))
  router.use(operationsPages(pages))
  router.use(settingsPages(pages))
  router.use(doctorPage(pages))

  router.post('/sign-out', (_request, response) => {
    const cookie = { name: ADMINISTRATOR_COOKIE, value: '', path: `${basePath}/`, maxAge: 0 }
    response.set('Set-Cookie', stringifySetCookie(cookie)).redirect(303, `${basePath}/`)
  })
  return router
}
