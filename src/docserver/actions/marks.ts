import { z } from 'zod'
import { setFavorite } from '../../core/favorites.ts'
import { Problem } from '../../errors.ts'
import { type Action, action } from '../action.ts'
import { ActionLink, placeAddress } from '../action-link.ts'
import type { Door } from '../door.ts'

/** Ways back to a document and to places in it. Source: ONLYOFFICE Docs API, Events and Methods. */
export function markActions(door: Pick<Door, 'deps' | 'addresses'>): Action[] {
  const { deps } = door
  return [
    /** `onMakeActionLink`, for `setActionLink`. */
    action({
      method: 'post',
      path: '/action-link',
      grant: 'view',
      body: ActionLink,
      async handle({ visitor, body }) {
        return { url: placeAddress(door, visitor.document.id, body) }
      },
    }),

    /** `onMetaChange`, for `setFavorite`. */
    action({
      method: 'post',
      path: '/favorite',
      grant: 'view',
      body: z.object({ favorite: z.boolean() }),
      async handle({ visitor: { document, user, isGuest }, body: { favorite } }) {
        if (isGuest) throw new Problem('grant-missing', 'guests have no favourites')
        await setFavorite(deps, { documentId: document.id, userId: user.id }, favorite)
        return { favorite }
      },
    }),
  ]
}
