import { type Request, Router } from 'express'
import { frameAncestorsOf } from '../core/api-keys.ts'
import { admissionOfEmbed } from '../core/sharing/admission.ts'
import type { TokenClaims } from '../core/tokens.ts'
import { Problem } from '../errors.ts'
import type { Door } from './door.ts'
import { sendEditorPage } from './editor-page.ts'
import { openingOf } from './open-editor.ts'
import type { EditorMode } from './permissions.ts'

/**
 * `/embed/{docs|sheet|slide}/{id}?token=`: the page for an iframe of another site. Source: Nuto
 * Office API, Embed.
 */
export function embedRoute(door: Door): Router {
  const router = Router()
  const { deps, tokens } = door

  router.get('/:type/:id', async (request, response) => {
    const claims = embedOf(request)
    const admission = await admissionOfEmbed(deps, claims)
    const { caller } = admission
    const ofKey = caller.kind === 'client' ? await frameAncestorsOf(deps, caller.id) : undefined
    const ofService = deps.config.FRAME_ANCESTORS.length > 0 ? deps.config.FRAME_ANCESTORS : ['*']
    const wanted = openingOf(request, caller)
    const mode = modeOf(claims.permissions)
    await sendEditorPage(door, response, {
      admission,
      documentId: claims.documentId,
      // The token decides; a page may ask for less.
      opening: {
        ...wanted,
        mode: request.query.mode === 'view' ? 'view' : mode,
        user: admission.user,
      },
      frameAncestors: ofKey ?? ofService,
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
