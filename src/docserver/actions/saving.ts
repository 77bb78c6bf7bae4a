import { saveNow } from '../../core/save-now.ts'
import { type Action, action } from '../action.ts'
import type { Door } from '../door.ts'

const SAVE_WAIT_S = 30

/** What the site that frames the page asks for. */
export function savingActions({ deps }: Pick<Door, 'deps'>): Action[] {
  return [
    action({
      method: 'post',
      path: '/save',
      grant: 'edit',
      async handle({ visitor: { caller, document } }) {
        const { outcome, version } = await saveNow(deps, caller, {
          documentId: document.id,
          waitS: SAVE_WAIT_S,
        })
        return { outcome, versionNumber: version.number, savedAt: version.updated_at }
      },
    }),
  ]
}
