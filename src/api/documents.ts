import { z } from 'zod'
import { isBlankFormat } from '../core/blank-files.ts'
import { deleteDocument, readableDocument, undeleteDocument } from '../core/documents.ts'
import { formatOf, nutoTypeOf } from '../core/formats.ts'
import { jsonContentOf, MAX_JSON_CONTENT_BYTES } from '../core/json-version.ts'
import { copyDocument, createDocument } from '../core/new-document.ts'
import { etagOf, updateDocument } from '../core/update-document.ts'
import { headVersion } from '../core/versions.ts'
import { Problem } from '../errors.ts'
import type { Api } from './api.ts'
import { DocumentJson, documentJson } from './document-json.ts'
import { ExternalId, Folder, GivenType, Metadata, OfDocument, Place, Title } from './fields.ts'
import { type Operation, operation } from './operation.ts'

const NewDocument = Place.extend({
  title: Title,
  type: GivenType,
  format: z.string().max(20).toLowerCase().meta({ example: 'DOCX' }),
})

const Copy = Place.extend({ title: Title.optional() })

const Changes = z
  .object({
    title: Title.optional(),
    jsonContent: z
      .string()
      .refine((json) => Buffer.byteLength(json) <= MAX_JSON_CONTENT_BYTES, 'at most 10 MiB')
      .optional(),
    folder: Folder.optional(),
    externalId: ExternalId.nullable().optional(),
    metadata: Metadata.optional(),
  })
  .refine(
    (changes) => Object.values(changes).some((value) => value !== undefined),
    'nothing to change: give title, jsonContent, folder, externalId or metadata',
  )

const Force = z.object({
  force: z.stringbool().default(false).meta({ description: 'Although somebody edits the document' }),
})

const DocumentWithJson = DocumentJson.extend({ jsonContent: z.string().nullable() }).meta({
  id: 'DocumentWithContent',
})

/** One document. Source: Nuto Office API, Documents. */
export function documentOperations({ deps }: Api): Operation[] {
  return [
    operation({
      method: 'post',
      paths: ['/documents'],
      tag: 'Documents',
      summary: 'Create a blank document',
      access: 'token',
      permission: 'documents:write',
      body: NewDocument,
      answer: { status: 201, json: DocumentJson },
      problems: ['format-not-of-type', 'storage-unavailable'],
      isRepeatable: true,
      async handle({ caller, body: { type, format: fileType, ...wanted }, resourceId: id }) {
        const format = formatOf(fileType)
        if (!isBlankFormat(fileType) || format === undefined || nutoTypeOf(format) !== type) {
          throw new Problem(
            'format-not-of-type',
            `no new ${type} document can be made as ${fileType.toUpperCase()}`,
          )
        }
        return documentJson(await createDocument(deps, caller, { ...wanted, fileType, id }))
      },
    }),

    operation({
      method: 'get',
      paths: ['/documents/:documentId'],
      tag: 'Documents',
      summary: 'One document, with the JSON content that was given last if nobody edited it since',
      access: 'token',
      permission: 'documents:read',
      params: OfDocument,
      answer: { status: 200, json: DocumentWithJson, hasETag: true },
      problems: ['document-not-found', 'blob-missing'],
      async handle({ caller, params, response }) {
        const document = await readableDocument(deps, caller, params.documentId)
        const jsonContent = await jsonContentOf(deps, await headVersion(deps, document))
        response.set('ETag', etagOf(document))
        return { ...documentJson(document), jsonContent }
      },
    }),

    ...(['put', 'patch'] as const).map((method) =>
      operation({
        method,
        paths: ['/documents/:documentId'],
        tag: 'Documents',
        summary: 'Change title, JSON content or place; title and content make a version',
        access: 'token',
        permission: 'documents:write',
        params: OfDocument,
        query: Force,
        body: Changes,
        isConditional: true,
        answer: { status: 200, json: DocumentJson, hasETag: true },
        problems: [
          'document-not-found',
          'document-being-edited',
          'precondition-failed',
          'json-content-invalid',
          'conversion-failed',
          'conversion-busy',
          'conversion-unavailable',
          'upload-too-large',
          'storage-unavailable',
          'shutting-down',
        ],
        async handle({ caller, params, query, body, request, response }) {
          const ifMatch = request.get('If-Match')
          const update = { ...params, ...query, ...body, ifMatch }
          const document = await updateDocument(deps, caller, update)
          response.set('ETag', etagOf(document))
          return documentJson(document)
        },
      }),
    ),

    operation({
      method: 'delete',
      paths: ['/documents/:documentId'],
      tag: 'Documents',
      summary: 'Put a document into the trash',
      access: 'token',
      permission: 'documents:write',
      params: OfDocument,
      answer: { status: 204 },
      problems: ['document-not-found'],
      async handle({ caller, params }) {
        await deleteDocument(deps, caller, params.documentId)
      },
    }),

    operation({
      method: 'post',
      paths: ['/documents/:documentId/undelete'],
      tag: 'Documents',
      summary: 'Take a document out of the trash',
      access: 'token',
      permission: 'documents:write',
      params: OfDocument,
      answer: { status: 200, json: DocumentJson },
      problems: ['document-not-found'],
      async handle({ caller, params }) {
        return documentJson(await undeleteDocument(deps, caller, params.documentId))
      },
    }),

    operation({
      method: 'post',
      paths: ['/documents/:documentId/copy'],
      tag: 'Documents',
      summary: 'A new document with the same content',
      access: 'token',
      permission: 'documents:write',
      params: OfDocument,
      body: Copy,
      answer: { status: 201, json: DocumentJson },
      problems: ['document-not-found'],
      isRepeatable: true,
      async handle({ caller, params, body, resourceId: id }) {
        return documentJson(await copyDocument(deps, caller, { ...params, ...body, id }))
      },
    }),
  ]
}
