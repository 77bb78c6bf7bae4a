import type { Request } from 'express'
import { z } from 'zod'
import { changeApiKey, createApiKey, listApiKeyInfos, revokeApiKey, rotateSecret } from '../core/api-keys.ts'
import { PERMISSIONS } from '../core/callers.ts'
import type { Api } from './api.ts'
import { Id, Moment, Time } from './fields.ts'
import { type Operation, operation } from './operation.ts'

const LOOPBACK_NAME = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i

const Permission = z.enum(PERMISSIONS)
const FrameAncestors = z
  .array(
    z
      .string()
      .max(300)
      // Source: CSP3 §2.3.1, host-source.
      .regex(
        /^(https?:\/\/(\*\.)?[a-z0-9.-]+(:(\d+|\*))?|'none'|\*)$/i,
        "an address like https://*.example.com, '*' or 'none'",
      ),
  )
  .max(50)

const Changes = z.object({
  name: z.string().min(1).max(200),
  frameAncestors: FrameAncestors.nullable()
    .optional()
    .meta({ description: 'Sites that may frame embeds made with this key; null: any' }),
})

const NewApiKey = Changes.extend({
  permissions: z.array(Permission).min(1).max(PERMISSIONS.length),
  workspaceId: z
    .uuid()
    .optional()
    .meta({ description: 'A workspace to join; else the key gets one of its own' }),
  expiresAt: Moment.optional(),
})

const ApiKeyJson = z
  .object({
    id: z.uuid(),
    name: z.string(),
    apiKey: z.string(),
    permissions: z.array(Permission),
    workspaceId: z.uuid(),
    frameAncestors: z.array(z.string()).nullable(),
    createdAt: Time,
    expiresAt: Time.nullable(),
    lastUsedAt: Time.nullable(),
    revokedAt: Time.nullable(),
  })
  .meta({ id: 'ApiKey' })

const MadeApiKey = z
  .object({
    id: z.uuid(),
    name: z.string(),
    apiKey: z.string(),
    secret: z.string().meta({ description: 'Shown this once' }),
    permissions: z.array(Permission),
    workspaceId: z.uuid(),
    createdAt: Time,
  })
  .meta({ id: 'NewApiKey' })

const OfKey = z.object({ id: Id })

/** API keys, made by the administrator. Source: Nuto Office API, Create API key; the rest is ours. */
export function apiKeyOperations({ deps }: Api): Operation[] {
  const common = { tag: 'Authentication', access: 'administrator' } as const
  return [
    operation({
      method: 'post',
      paths: ['/auth/api-keys'],
      tag: 'Authentication',
      summary: 'Make an API key; the first one also from the machine itself without a token',
      access: 'setup',
      isOpenTo: isLocal,
      body: NewApiKey,
      answer: { status: 201, json: MadeApiKey },
      problems: ['workspace-not-found'],
      isRepeatable: true,
      async handle({ caller, body, response }) {
        response.set('Cache-Control', 'no-store')
        return createApiKey(deps, body, { onlyAsFirst: caller === undefined })
      },
    }),

    operation({
      ...common,
      method: 'get',
      paths: ['/auth/api-keys'],
      summary: 'List the API keys, newest first',
      answer: { status: 200, json: z.object({ apiKeys: z.array(ApiKeyJson) }) },
      async handle() {
        return { apiKeys: await listApiKeyInfos(deps) }
      },
    }),

    operation({
      ...common,
      method: 'patch',
      paths: ['/auth/api-keys/:id'],
      summary: 'Change the name of an API key, or who may frame its embeds',
      params: OfKey,
      body: Changes.partial(),
      answer: { status: 200, json: ApiKeyJson },
      problems: ['api-key-not-found'],
      handle: ({ params, body }) => changeApiKey(deps, params.id, body),
    }),

    operation({
      ...common,
      method: 'delete',
      paths: ['/auth/api-keys/:id'],
      summary: 'Revoke an API key; its tokens end within 10 seconds',
      params: OfKey,
      answer: { status: 204 },
      problems: ['api-key-not-found'],
      async handle({ params }) {
        await revokeApiKey(deps, params.id)
      },
    }),

    operation({
      ...common,
      method: 'post',
      paths: ['/auth/api-keys/:id/rotate'],
      summary: 'A new secret; the one before works for another day',
      params: OfKey,
      answer: {
        status: 200,
        json: ApiKeyJson.extend({ secret: z.string(), previousSecretUntil: Time }).meta({
          id: 'RotatedApiKey',
        }),
      },
      problems: ['api-key-not-found'],
      isRepeatable: true,
      handle({ params, response }) {
        response.set('Cache-Control', 'no-store')
        return rotateSecret(deps, params.id)
      },
    }),
  ]

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
}
