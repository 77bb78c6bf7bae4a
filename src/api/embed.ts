import { randomUUIDv7 } from 'node:crypto'
import { z } from 'zod'
import { authorOf, demand } from '../core/callers.ts'
import { readableDocument } from '../core/documents.ts'
import { revokeEmbed } from '../core/sharing/embeds.ts'
import { SharedUser, SharingOptions } from '../core/sharing/options.ts'
import { EMBED_PERMISSIONS } from '../core/tokens.ts'
import type { Api } from './api.ts'
import { typeOf } from './document-json.ts'
import { Id, Time } from './fields.ts'
import { type Operation, operation } from './operation.ts'

const DAY_S = 86_400
/** They travel in the token, and the token in an address. */
const MAX_OPTIONS_LENGTH = 2000

const EmbedPermission = z.enum(EMBED_PERMISSIONS)
const NewEmbed = z.object({
  documentId: Id,
  permissions: z.array(EmbedPermission).min(1).max(EMBED_PERMISSIONS.length),
  user: SharedUser.optional().meta({
    description: 'Whom the editor shows; the API client itself if nobody is named',
  }),
  options: SharingOptions.refine(
    (options) => JSON.stringify(options).length <= MAX_OPTIONS_LENGTH,
    `at most ${MAX_OPTIONS_LENGTH} characters as JSON`,
  ).optional(),
  expiresIn: z.int().min(1).max(DAY_S).default(DAY_S).meta({ description: 'Seconds, a day at most' }),
})

const Embed = z
  .object({
    id: z.uuid(),
    url: z.string(),
    token: z.string(),
    permissions: z.array(EmbedPermission),
    expiresAt: Time,
  })
  .meta({ id: 'Embed' })

/**
 * Addresses that show one document in somebody's page; never wider than what their maker may do, and
 * ended with the maker's key. Source: Nuto Office API, Embed.
 */
export function embedOperations({ deps, tokens, publicUrl }: Api): Operation[] {
  return [
    operation({
      method: 'post',
      // The API page names no path: these are what its readers would try.
      paths: ['/embed', '/embed/config', '/embed/token'],
      tag: 'Embed',
      summary: 'An address that shows one document in a page of yours',
      access: 'token',
      permission: 'documents:read',
      body: NewEmbed,
      answer: { status: 200, json: Embed },
      problems: ['document-not-found', 'permission-missing'],
      isRepeatable: true,
      async handle({ caller, body: { documentId, permissions, user, expiresIn, options }, response }) {
        const document = await readableDocument(deps, caller, documentId)
        if (permissions.some((permission) => permission !== 'view')) demand(caller, 'documents:write')
        const id = randomUUIDv7()
        const expiresAt = new Date(deps.clock().getTime() + expiresIn * 1000).toISOString()
        const self = authorOf(caller)
        const token = tokens.issue(
          'embed',
          {
            id,
            documentId: document.id,
            ...(caller.kind === 'client' ? { clientId: caller.id } : {}),
            expiresAt,
            permissions,
            user: user ?? { id: self.id, name: self.name },
            ...(options === undefined ? {} : { options }),
          },
          expiresIn,
        )
        response.set('Cache-Control', 'no-store')
        return {
          id,
          url: `${publicUrl}/embed/${typeOf(document).toLowerCase()}/${document.id}?token=${token}`,
          token,
          permissions,
          expiresAt,
        }
      },
    }),

    operation({
      method: 'post',
      paths: ['/embed/revoke'],
      tag: 'Embed',
      summary: 'End one embed before its time, by its token',
      access: 'token',
      permission: 'documents:read',
      body: z.object({ token: z.string().min(1).max(4000) }),
      answer: { status: 204 },
      problems: ['embed-not-found'],
      async handle({ caller, body }) {
        await revokeEmbed(deps, caller, tokens.read('embed', body.token.trim()))
      },
    }),
  ]
}
