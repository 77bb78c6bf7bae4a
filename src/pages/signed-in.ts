import { type Response, Router } from 'express'
import type { Deps } from '../core/deps.ts'
import type { Tokens } from '../core/tokens.ts'
import type { ContinuousDoctor } from '../doctor/continuous.ts'
import { Problem } from '../errors.ts'
import { isSignedIn } from '../http/authentication.ts'
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

const SECTIONS = ['/files', '/documents', '/trash', '/operations', '/settings', '/admin', '/live']

/** The pages of the signed-in administrator. What they change, their scripts ask of the REST API. */
export function signedInPages(pages: SignedInPages): Router {
  const router = Router()
  const { deps, tokens, basePath } = pages

  // Guarded and served by the same matching of paths: Express takes /FILES for /files.
  for (const section of SECTIONS) {
    router.use(section, async (request, response, next) => {
      if (await isSignedIn(request, tokens, deps)) return next()
      if (section === '/live') throw new Problem('token-missing')
      response.redirect(303, `${basePath}/`)
    })
  }
  router.use(liveRoute(pages))
  router.use(filesPage(pages))
  router.use(trashPage(pages))
  router.use(documentPage(pages))
  router.use(operationsPages(pages))
  router.use(settingsPages(pages))
  router.use(doctorPage(pages))
  return router
}
