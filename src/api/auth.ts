import { type Request, type Response, Router } from 'express'
import { z } from 'zod'
import {
  checkCredentials,
  createApiKey,
  listApiKeyInfos,
  renameApiKey,
  revokeApiKey,
  rotateSecret,
} from '../core/api-keys.ts'
import { authorOf, PERMISSIONS } from '../core/callers.ts'
import { isProblem, Problem } from '../errors.ts'
import { bearerOf } from '../http/authentication.ts'
import type { Api } from './api.ts'

const LOOPBACK_NAME = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i

const NewApiKey = z.object({
  name: z.string().min(1).max(200),
  permissions: z.array(z.enum(PERMISSIONS)).min(1).max(PERMISSIONS.length),
  workspaceId: z.uuid().optional(),
  expiresAt: z.iso.datetime().optional(),
})

const Credentials = z.object({ apiKey: z.string().min(1).max(200), secret: z.string().min(1).max(200) })

/** Keys and tokens. Source: Nuto Office API, Authentication. */
export function authRoutes({ deps, tokens, authentication }: Api): Router {
  const router = Router()

  router.post('/api-keys', async (request, response) => {
    const isFirstKey = request.headers.authorization === undefined
    if (isFirstKey && !isLocal(request))
      throw new Problem('token-missing', 'the administrator makes API keys')
    if (!isFirstKey) await demandAdministrator(request)
    const made = await createApiKey(deps, NewApiKey.parse(request.body), { onlyAsFirst: isFirstKey })
    response.status(201).set('Cache-Control', 'no-store').json({
      id: made.id,
      name: made.name,
      apiKey: made.apiKey,
      secret: made.secret,
      permissions: made.permissions,
      workspaceId: made.workspaceId,
      createdAt: made.createdAt,
    })
  })

  router.get('/api-keys', async (request, response) => {
    await demandAdministrator(request)
    response.json({ apiKeys: await listApiKeyInfos(deps) })
  })

  router.patch('/api-keys/:id', async (request, response) => {
    await demandAdministrator(request)
    const { name } = NewApiKey.pick({ name: true }).parse(request.body)
    response.json(await renameApiKey(deps, request.params.id, name))
  })

  router.delete('/api-keys/:id', async (request, response) => {
    await demandAdministrator(request)
    await revokeApiKey(deps, request.params.id)
    response.status(204).end()
  })

  router.post('/api-keys/:id/rotate', async (request, response) => {
    await demandAdministrator(request)
    response.set('Cache-Control', 'no-store').json(await rotateSecret(deps, request.params.id))
  })

  async function demandAdministrator(request: Request): Promise<void> {
    if ((await authentication.byBearer(request)).kind !== 'administrator')
      throw new Problem('administrator-only')
  }

  // The API page names no path for validation: these are what its readers would try.
  router.get(['/validate', '/verify', '/me'], validate)
  router.post(['/validate', '/verify', '/me'], validate)

  async function validate(request: Request, response: Response): Promise<void> {
    try {
      const caller = await authentication.byBearer(request)
      const { id: clientId, name } = authorOf(caller)
      const permissions = caller.kind === 'administrator' ? PERMISSIONS : caller.permissions
      const { expiresAt } = tokens.read('access', bearerOf(request) ?? '') ?? {}
      response
        .set('Cache-Control', 'no-store')
        .json({ clientId, name, permissions, isValid: true, expiresAt })
    } catch (error) {
      if (!isProblem(error)) throw error
      throw new Problem(error.code, error.message, { members: { isValid: false } })
    }
  }

  router.post('/token', async (request, response) => {
    const client = await checkCredentials(deps, Credentials.parse(request.body))
    const lifetimeS = deps.config.ACCESS_TOKEN_S
    const expiresAt = new Date(deps.clock().getTime() + lifetimeS * 1000).toISOString()
    const token = tokens.issue('access', { clientId: client.id, expiresAt }, lifetimeS)
    response.set('Cache-Control', 'no-store').json({ token, expiresAt })
  })

  /** Somebody at this very machine, with nothing in between that could be speaking for others. */
  function isLocal(request: Request): boolean {
    const { TRUST_PROXY, PUBLIC_URL } = deps.config
    const isForwarded = Object.keys(request.headers).some(
      (name) =>
        name === 'forwarded' || name.startsWith('x-forwarded-') || name === 'x-real-ip' || name === 'via',
    )
    return (
      TRUST_PROXY === undefined &&
      (PUBLIC_URL === undefined || LOOPBACK_NAME.test(new URL(PUBLIC_URL).host)) &&
      // A page of any site can make its visitor's browser call this machine.
      request.headers.origin === undefined &&
      ['none', 'same-origin', undefined].includes(request.get('Sec-Fetch-Site')) &&
      !isForwarded &&
      /^(::1|(::ffff:)?127(\.\d{1,3}){3})$/.test(request.socket.remoteAddress ?? '') &&
      LOOPBACK_NAME.test(request.headers.host ?? '')
    )
  }

  return router
}
