import { z } from 'zod'
import { documentFor, readableDocument } from '../core/documents.ts'
import { saveNow } from '../core/save-now.ts'
import { offeredName } from '../core/titles.ts'
import { labelVersion, listVersions, restoreVersion, versionOf } from '../core/versions.ts'
import { sendBlob } from '../http/send-blob.ts'
import type { Api } from './api.ts'
import { DocumentJson, documentJson, VersionJson, versionJson } from './document-json.ts'
import { Id, OfDocument } from './fields.ts'
import { type Operation, operation } from './operation.ts'

const LONGEST_WAIT_S = 60

const OfVersion = OfDocument.extend({ versionId: Id })

/** Versions of a document. Source: Nuto Office API, Versions. */
export function versionOperations({ deps }: Api): Operation[] {
  return [
    operation({
      method: 'get',
      paths: ['/documents/:documentId/versions'],
      tag: 'Versions',
      summary: 'List the versions, newest first',
      access: 'token',
      permission: 'documents:read',
      params: OfDocument,
      answer: { status: 200, json: z.object({ versions: z.array(VersionJson) }) },
      problems: ['document-not-found'],
      async handle({ caller, params: { documentId } }) {
        const document = await readableDocument(deps, caller, documentId)
        const versions = await listVersions(deps, caller, documentId)
        return { versions: versions.map((version) => versionJson(version, document)) }
      },
    }),

    operation({
      method: 'patch',
      paths: ['/documents/:documentId/versions/:versionId'],
      tag: 'Versions',
      summary: 'Label a version, or take its label away with null; a labelled one is kept for ever',
      access: 'token',
      permission: 'documents:write',
      params: OfVersion,
      body: z.object({ label: z.string().min(1).max(200).nullable() }),
      answer: { status: 200, json: VersionJson },
      problems: ['document-not-found', 'version-not-found'],
      async handle({ caller, params, body }) {
        const { version, document } = await labelVersion(deps, caller, { ...params, ...body })
        return versionJson(version, document)
      },
    }),

    operation({
      method: 'get',
      paths: ['/documents/:documentId/versions/:versionId/download'],
      tag: 'Versions',
      summary: 'The file of a version',
      access: 'token',
      permission: 'documents:read',
      params: OfVersion,
      answer: { status: 200, bytes: true },
      problems: ['document-not-found', 'version-not-found', 'range-not-satisfiable'],
      async handle({ caller, params: { documentId, versionId }, request, response }) {
        const document = await readableDocument(deps, caller, documentId)
        const { sha256, size, file_type: extension } = await versionOf(deps, document, versionId)
        const name = offeredName(document.title, extension)
        await sendBlob(deps.blobs, request, response, { sha256, size, extension, name })
      },
    }),

    operation({
      method: 'post',
      paths: ['/documents/:documentId/versions/:versionId/restore'],
      tag: 'Versions',
      summary: 'Make an earlier version current again; what is typed meanwhile is kept as a version',
      access: 'token',
      permission: 'documents:write',
      params: OfVersion,
      answer: { status: 200, json: DocumentJson },
      problems: ['document-not-found', 'version-not-found', 'precondition-failed'],
      isRepeatable: true,
      async handle({ caller, params }) {
        return documentJson(await restoreVersion(deps, caller, params))
      },
    }),

    operation({
      method: 'post',
      paths: ['/documents/:documentId/save'],
      tag: 'Versions',
      summary: "Have the editor's state stored now and wait for it",
      access: 'token',
      permission: 'documents:write',
      params: OfDocument,
      query: z.object({
        wait: z.coerce.number().min(1).max(LONGEST_WAIT_S).default(30).meta({ description: 'Seconds' }),
      }),
      answer: {
        status: 200,
        json: z.object({ outcome: z.enum(['saved', 'unchanged']), version: VersionJson }),
      },
      problems: [
        'document-not-found',
        'document-server-missing',
        'document-server-failed',
        'save-not-arrived',
      ],
      async handle({ caller, params: { documentId }, query: { wait } }) {
        const { outcome, version } = await saveNow(deps, caller, { documentId, waitS: wait })
        const document = await documentFor(deps, caller, documentId)
        return { outcome, version: versionJson(version, document) }
      },
    }),
  ]
}
