import { stringifySetCookie } from 'cookie'
import express, { type Request, type Response, Router } from 'express'
import type { Deps } from '../core/deps.ts'
import { equalSecrets } from '../core/hashed-secrets.ts'
import { redeemSignInLink } from '../core/sign-in.ts'
import { ADMINISTRATOR_S, type Tokens } from '../core/tokens.ts'
import { Problem } from '../errors.ts'
import { ADMINISTRATOR_COOKIE, endSignIn, isSignedIn, newSignIn } from '../http/authentication.ts'
import { bodyDeadline } from '../http/body-deadline.ts'
import type { Limits } from '../http/limits.ts'
import { asProblem, setProblemHeaders } from '../http/problem-json.ts'
import { helpRoutes } from './help.ts'
import type { Views } from './views.ts'

export type Pages = {
  deps: Deps
  tokens: Tokens
  limits: Limits
  views: Views
  publicUrl: string
  adminToken: string
}

/** Door 3, pages for people: the first page, signing in and signing out. */
export function pageRoutes({ deps, tokens, limits, views, publicUrl, adminToken }: Pages): Router {
  const router = Router()
  const { pathname, protocol, origin } = new URL(publicUrl)

  const basePath = pathname.replace(/\/+$/, '')

  router.use('/help', helpRoutes({ views, tokens, basePath }))

  router.get('/', async (request, response) => {
    if (await isSignedIn(request, tokens, deps)) return response.redirect(303, `${basePath}/files`)
    response.set('Cache-Control', 'no-store').send(views.render('home', {}))
  })

  // A link is looked at by mail scanners and previews: only the button uses it up.
  router.get('/sign-in', (request, response) => {
    const { link } = request.query
    const data = { link: typeof link === 'string' ? link : '', message: '' }
    response.set('Cache-Control', 'no-store').send(views.render('sign-in', data))
  })

  router.post(
    '/sign-in',
    limits.failures,
    bodyDeadline(deps.config.BODY_TIMEOUT_S),
    express.urlencoded({ extended: false, limit: 4096 }),
    async (request, response) => {
      demandOwnOrigin(request)
      // Again, with the body: many may have begun before the first of them failed.
      await limits.failed.demandFew(request.ip)
      const { link, token } = request.body ?? {}
      try {
        if (typeof link === 'string' && link !== '') await redeemSignInLink(deps, link)
        else if (typeof token !== 'string' || !equalSecrets(token, adminToken)) {
          throw new Problem('token-invalid', 'this is not the admin token')
        }
      } catch (error) {
        return showFault(error, response)
      }
      response
        .set('Set-Cookie', administratorCookie(newSignIn(tokens), ADMINISTRATOR_S))
        .redirect(303, `${basePath}/`)
    },
  )

  router.post('/sign-out', async (request, response) => {
    demandOwnOrigin(request)
    await endSignIn(request, tokens, deps)
    response.set('Set-Cookie', administratorCookie('', 0)).redirect(303, `${basePath}/`)
  })

  function showFault(error: unknown, response: Response): void {
    const problem = asProblem(error)
    if (problem === undefined) throw error
    setProblemHeaders(response, problem)
    response.status(problem.status).send(views.render('sign-in', { link: '', message: problem.message }))
  }

  /** A browser drops the cookie that has the same path. Source: RFC 6265 §5.3, step 11. */
  function administratorCookie(value: string, maxAge: number): string {
    return stringifySetCookie({
      name: ADMINISTRATOR_COOKIE,
      value,
      httpOnly: true,
      sameSite: 'lax',
      secure: protocol === 'https:',
      path: pathname,
      maxAge,
    })
  }

  /** Browsers name the page that a form was sent from. Source: Fetch Standard, Origin header. */
  function demandOwnOrigin(request: Request): void {
    const from = request.headers.origin
    const own = [origin, `${request.protocol}://${request.headers.host}`]
    if (from !== undefined && !own.includes(from)) throw new Problem('origin-refused')
  }

  return router
}
