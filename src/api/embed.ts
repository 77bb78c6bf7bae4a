import { Router } from 'express'
import { z } from 'zod'
import { authorOf, demand } from '../core/callers.ts'
import { readableDocument } from '../core/documents.ts'
import { formatOf, nutoTypeOf } from '../core/formats.ts'
import { EMBED_PERMISSIONS } from '../core/tokens.ts'
import type { Api } from './api.ts'

const DAY_S = 86_400

const NewEmbed = z.object({
  documentId: z.string().trim(),
  permissions: z.array(z.enum(EMBED_PERMISSIONS)).min(1).max(EMBED_PERMISSIONS.length),
  /** Whom the editor shows; the API client itself if nobody is named. */
  user: z.object({ id: z.string().min(1).max(128), name: z.string().min(1).max(100) }).optional(),
  /** Seconds, a day at most. */
  expiresIn: z.int().min(1).max(DAY_S).default(DAY_S),
})

/**
 * Addresses that show one document in somebody's page; never wider than what their maker may do, and
 * ended with the maker's key. Source: Nuto Office API, Embed.
 */
export function embedRoutes({ deps, tokens, authentication, publicUrl }: Api): Router {
  const router = Router()

  router.post(['/', '/config', '/token'], async (request, response) => {
    const caller = await authentication.byBearer(request)
    const { documentId, permissions, user, expiresIn } = NewEmbed.parse(request.body)
    const document = await readableDocument(deps, caller, documentId)
    if (permissions.some((permission) => permission !== 'view')) demand(caller, 'documents:write')
    const self = authorOf(caller)
    const token = tokens.issue(
      'embed',
      {
        documentId: document.id,
        ...(caller.kind === 'client' ? { clientId: caller.id } : {}),
        permissions,
        user: user ?? { id: self.id, name: self.name },
      },
      expiresIn,
    )
    const format = formatOf(document.file_type)
    const type = (format === undefined ? 'Docs' : nutoTypeOf(format)).toLowerCase()
    response
      .status(200)
      .set('Cache-Control', 'no-store')
      .json({
        url: `${publicUrl}/embed/${type}/${document.id}?token=${token}`,
        token,
        permissions,
        expiresAt: new Date(deps.clock().getTime() + expiresIn * 1000).toISOString(),
      })
  })

  return router
}
