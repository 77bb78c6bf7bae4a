import type { Request } from 'express'
import { z } from 'zod'
import { checkCredentials } from '../core/api-keys.ts'
import { authorOf, PERMISSIONS } from '../core/callers.ts'
import { isProblem, Problem } from '../errors.ts'
import { bearerOf } from '../http/authentication.ts'
import type { Api } from './api.ts'
import { Time } from './fields.ts'
import { type Operation, operation } from './operation.ts'

const Credentials = z.object({ apiKey: z.string().min(1).max(200), secret: z.string().min(1).max(200) })
const Token = z.object({ token: z.string(), expiresAt: Time }).meta({ id: 'Token' })

const Validity = z
  .object({
    clientId: z.string(),
    name: z.string(),
    permissions: z.array(z.enum(PERMISSIONS)),
    isValid: z.literal(true),
    expiresAt: Time.optional(),
  })
  .meta({ id: 'Validity' })

/** Tokens for API keys. Source: Nuto Office API, Authentication. */
export function authOperations({ deps, tokens, authentication }: Api): Operation[] {
  return [
    operation({
      method: 'post',
      paths: ['/auth/token'],
      tag: 'Authentication',
      summary: 'A bearer token for an API key and its secret',
      access: 'open',
      body: Credentials,
      answer: { status: 200, json: Token },
      problems: ['credentials-invalid'],
      async handle({ body, response }) {
        const client = await checkCredentials(deps, body)
        const lifetimeS = deps.config.ACCESS_TOKEN_S
        const expiresAt = new Date(deps.clock().getTime() + lifetimeS * 1000).toISOString()
        response.set('Cache-Control', 'no-store')
        return { token: tokens.issue('access', { clientId: client.id, expiresAt }, lifetimeS), expiresAt }
      },
    }),

    ...(['get', 'post'] as const).map((method) =>
      operation({
        method,
        // The API page names no path for validation: these are what its readers would try.
        paths: ['/auth/validate', '/auth/verify', '/auth/me'],
        tag: 'Authentication',
        summary: 'Whose a token is, and until when',
        access: 'open',
        answer: { status: 200, json: Validity },
        problems: ['token-missing', 'token-invalid'],
        async handle({ request, response }) {
          response.set('Cache-Control', 'no-store')
          return validity(request)
        },
      }),
    ),
  ]

  /** A bad token is told in both ways: by the status, and by `isValid`. */
  async function validity(request: Request): Promise<z.input<typeof Validity>> {
    try {
      const caller = await authentication.byBearer(request)
      const { id: clientId, name } = authorOf(caller)
      const permissions = caller.kind === 'administrator' ? [...PERMISSIONS] : caller.permissions
      const { expiresAt } = tokens.read('access', bearerOf(request) ?? '') ?? {}
      return { clientId, name, permissions, isValid: true, expiresAt }
    } catch (error) {
      if (!isProblem(error)) throw error
      throw new Problem(error.code, error.message, { members: { isValid: false } })
    }
  }
}
