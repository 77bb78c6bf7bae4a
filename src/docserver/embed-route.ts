import { type Request, Router } from 'express'
import { clientById } from '../core/api-keys.ts'
import type { Caller } from '../core/callers.ts'
import type { TokenClaims } from '../core/tokens.ts'
import { Problem } from '../errors.ts'
import type { Door } from './door.ts'
import type { EditorMode } from './editor-config.ts'
import { sendEditorPage } from './editor-page.ts'
import { openingOf } from './open-editor.ts'

/**
 * `/embed/{docs|sheet|slide}/{id}?token=`: the page for an iframe of another site. Source: Nuto
 * Office API, Embed.
 */
export function embedRoute(door: Door): Router {
  const router = Router()
  const { deps, tokens } = door

  router.get('/:type/:id', async (request, response) => {
    const claims = embedOf(request)
    const caller: Caller =
      claims.clientId === undefined ? { kind: 'administrator' } : await clientById(deps, claims.clientId)
    const wanted = openingOf(request, caller)
    const mode = modeOf(claims.permissions)
    await sendEditorPage(door, response, {
      caller,
      documentId: claims.documentId,
      // The token decides; a page may ask for less.
      opening: {
        ...wanted,
        mode: request.query.mode === 'view' ? 'view' : mode,
        user: claims.user ?? wanted.user,
      },
      frameAncestors: deps.config.FRAME_ANCESTORS.length > 0 ? deps.config.FRAME_ANCESTORS : ['*'],
    })
  })

  function embedOf(request: Request<{ id: string }>): TokenClaims<'embed'> {
    const { token } = request.query
    const claims = typeof token === 'string' ? tokens.read('embed', token.trim()) : undefined
    if (claims === undefined || claims.documentId !== request.params.id.trim())
      throw new Problem('token-invalid')
    return claims
  }

  return router
}

function modeOf(permissions: TokenClaims<'embed'>['permissions']): EditorMode {
  if (permissions.includes('edit')) return 'edit'
  return permissions.includes('comment') ? 'comment' : 'view'
}
