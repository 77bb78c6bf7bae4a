import { readableDocument } from '../core/documents.ts'
import { thumbnailOf } from '../core/thumbnails/thumbnail.ts'
import { offeredName } from '../core/titles.ts'
import { Problem } from '../errors.ts'
import { sendBlob } from '../http/send-blob.ts'
import type { Api } from './api.ts'
import { OfDocument } from './fields.ts'
import { type Operation, operation } from './operation.ts'

const RETRY_AFTER_S = 3

const WORDS = {
  'cannot-be-drawn': 'nothing here draws files of this type and size',
  failed: 'the first page could not be drawn, it is tried again after a day',
  'too-many': 'too many pictures are wanted, ask again later',
}

/** Pictures of first pages; ours, beyond the API page. */
export function thumbnailOperations({ deps }: Api): Operation[] {
  return [
    operation({
      method: 'get',
      paths: ['/documents/:documentId/thumbnail'],
      tag: 'Documents',
      summary: 'A picture of the first page; where there is none yet, one is made for the next time',
      access: 'token',
      permission: 'documents:read',
      params: OfDocument,
      answer: { status: 200, bytes: true, mediaType: 'image/png' },
      problems: ['document-not-found', 'thumbnail-not-found', 'range-not-satisfiable'],
      async handle({ caller, params, request, response }) {
        const document = await readableDocument(deps, caller, params.documentId)
        const thumbnail = await thumbnailOf(deps, document)
        if (thumbnail.state === 'awaited') {
          throw new Problem('thumbnail-not-found', 'it is being made', { retryAfterS: RETRY_AFTER_S })
        }
        if (thumbnail.state === 'none') throw new Problem('thumbnail-not-found', WORDS[thumbnail.why])
        const name = offeredName(document.title, 'png')
        await sendBlob(deps.blobs, request, response, { ...thumbnail.blob, extension: 'png', name })
      },
    }),
  ]
}
