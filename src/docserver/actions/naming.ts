import { z } from 'zod'
import { saveAs } from '../../core/save-as.ts'
import { updateDocument } from '../../core/update-document.ts'
import { type Action, action } from '../action.ts'
import type { Door } from '../door.ts'
import { viewerAddress } from '../own-addresses.ts'
import { Address, FileName, FileType } from './fields.ts'

/** Source: ONLYOFFICE Docs API, Events, onRequestRename and onRequestSaveAs. */
export function namingActions(door: Door): Action[] {
  const { deps } = door
  return [
    action({
      method: 'post',
      path: '/rename',
      grant: 'edit',
      body: z.object({ title: FileName }),
      async handle({ visitor: { caller, document }, body }) {
        const { title } = await updateDocument(deps, caller, { documentId: document.id, title: body.title })
        return { title }
      },
    }),

    action({
      method: 'post',
      path: '/save-as',
      grant: 'edit',
      needsWorkspace: true,
      body: z.object({ fileType: FileType, title: FileName, url: Address }),
      async handle({ visitor: { caller, document }, body }) {
        const { id, title } = await saveAs(deps, caller, document, body)
        return { id, title, url: viewerAddress(door, id) }
      },
    }),
  ]
}
