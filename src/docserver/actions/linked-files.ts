import { z } from 'zod'
import { keepImage, MAX_IMAGE_BYTES } from '../../core/images.ts'
import { demandType, neighbourOf } from '../../core/linked-files.ts'
import { headVersion } from '../../core/versions.ts'
import { Problem } from '../../errors.ts'
import { receiveUpload } from '../../http/upload.ts'
import type { DocumentRow } from '../../metadata/schema.ts'
import { type Action, action, Id } from '../action.ts'
import type { Door } from '../door.ts'
import { type LinkedFile, METHOD_TOKEN_S, signedFor } from '../methods.ts'
import { fileAddress } from '../own-addresses.ts'

/** `c` of insertImage. */
const Insertion = z.enum(['add', 'change', 'fill', 'watermark', 'slide'])
/** `c` of setRequestedDocument. */
const Selection = z.enum(['compare', 'combine', 'insert-text'])

/** The method has another name before Document Server 7.5, and no `c`. */
const isLegacy = z.boolean().default(false)

/**
 * Files that the editor takes something from.
 *
 * Source: ONLYOFFICE Docs API, Methods, insertImage, setRequestedDocument, setRequestedSpreadsheet.
 */
export function linkedFileActions(door: Door): Action[] {
  const { deps, docServerTokens } = door
  return [
    action({
      method: 'post',
      path: '/insert-image',
      grant: 'edit',
      // Beside the multipart body, which is not read before it is needed.
      query: z.object({ c: Insertion.default('add') }),
      async handle({ visitor: { document }, query: { c }, request }) {
        const limits = { MAX_FILE_BYTES: MAX_IMAGE_BYTES, UPLOAD_STALL_S: deps.config.UPLOAD_STALL_S }
        const { sha256, extension } = await receiveUpload(request, limits, ({ bytes }) =>
          keepImage(deps, document, bytes),
        )
        const url = fileAddress(door, document.id, { sha256, extension, part: 'attachment' })
        const images = [{ fileType: extension, url }]
        return signedFor(docServerTokens, 'insertImage', { c, images }, METHOD_TOKEN_S)
      },
    }),

    action({
      method: 'post',
      path: '/compare',
      // What is found goes into the document as changes to accept.
      grant: 'view',
      needsWorkspace: true,
      body: z.object({ c: Selection.default('compare'), documentId: Id, legacy: isLegacy }),
      async handle({ visitor: { document, grants }, body: { c, documentId, legacy } }) {
        if (!grants.has('edit') && !grants.has('review'))
          throw new Problem('grant-missing', 'this needs edit or review')
        const other = await neighbourOf(deps, document, documentId)
        demandType(other, 'word')
        const file = await headFile(door, other)
        return legacy
          ? signedFor(docServerTokens, 'setRevisedFile', file, METHOD_TOKEN_S)
          : signedFor(docServerTokens, 'setRequestedDocument', { c, ...file }, METHOD_TOKEN_S)
      },
    }),

    action({
      method: 'post',
      path: '/mail-merge',
      grant: 'edit',
      needsWorkspace: true,
      body: z.object({ c: z.literal('mailmerge').default('mailmerge'), documentId: Id, legacy: isLegacy }),
      async handle({ visitor: { document }, body: { c, documentId, legacy } }) {
        const other = await neighbourOf(deps, document, documentId)
        demandType(other, 'cell')
        const file = await headFile(door, other)
        return legacy
          ? signedFor(docServerTokens, 'setMailMergeRecipients', file, METHOD_TOKEN_S)
          : signedFor(docServerTokens, 'setRequestedSpreadsheet', { c, ...file }, METHOD_TOKEN_S)
      },
    }),
  ]
}

/** Of a document that is what it claims to be. @throws Problem `content-mismatch` */
async function headFile(door: Door, document: DocumentRow): Promise<LinkedFile> {
  const head = await headVersion(door.deps, document)
  await door.openableFormat(head)
  const url = fileAddress(door, document.id, { versionId: head.id, part: 'content' })
  return { fileType: head.file_type, url }
}
