import { z } from 'zod'
import { uploadDocument } from '../core/new-document.ts'
import { addContent, demandReplaceable } from '../core/versions.ts'
import type { ProblemCode } from '../errors.ts'
import { receiveUpload } from '../http/upload.ts'
import type { Api } from './api.ts'
import { DocumentJson, documentJson, VersionJson, versionJson } from './document-json.ts'
import { OfDocument, Place, withNested } from './fields.ts'
import { type Operation, operation } from './operation.ts'

const PROBLEMS: ProblemCode[] = [
  'upload-malformed',
  'upload-empty',
  'upload-stalled',
  'upload-too-large',
  'media-type-unsupported',
  'content-mismatch',
  'extension-not-storable',
  'storage-unavailable',
]

/** Files from clients. Source: Nuto Office API, Upload document; the rest is ours. */
export function uploadOperations({ deps }: Api): Operation[] {
  return [
    operation({
      method: 'post',
      paths: ['/documents/upload'],
      tag: 'Documents',
      summary: 'Upload a file as a new document',
      access: 'token',
      permission: 'documents:write',
      prepareQuery: (query) => withNested('metadata', query),
      query: Place,
      isUpload: true,
      answer: { status: 201, json: DocumentJson },
      problems: PROBLEMS,
      isRepeatable: true,
      async handle({ caller, query, resourceId: id, request }) {
        const document = await receiveUpload(request, deps.config, (file) =>
          uploadDocument(deps, caller, { ...query, ...file, id }),
        )
        return documentJson(document)
      },
    }),

    operation({
      method: 'put',
      paths: ['/documents/:documentId/content'],
      tag: 'Documents',
      summary: 'A new version from a file of the same type',
      access: 'token',
      permission: 'documents:write',
      params: OfDocument,
      query: z.object({ force: z.stringbool().default(false) }),
      isUpload: true,
      isConditional: true,
      answer: { status: 201, json: VersionJson },
      problems: [...PROBLEMS, 'document-not-found', 'document-being-edited', 'precondition-failed'],
      async handle({ caller, params: { documentId }, query: { force }, request }) {
        const conditions = { force, ifMatch: request.get('If-Match') }
        await demandReplaceable(deps, caller, documentId, conditions)
        const version = await receiveUpload(request, deps.config, ({ bytes }) =>
          addContent(deps, caller, { documentId, bytes, ...conditions }),
        )
        return versionJson(version, { head_version_id: version.id })
      },
    }),
  ]
}
