import type { Request, Response } from 'express'
import { z } from 'zod'
import type { Caller } from '../core/callers.ts'
import { convert } from '../core/conversions.ts'
import { readableDocument } from '../core/documents.ts'
import { offeredName } from '../core/titles.ts'
import { headVersion } from '../core/versions.ts'
import type { ProblemCode } from '../errors.ts'
import { sendBlob } from '../http/send-blob.ts'
import type { Api } from './api.ts'
import { OfDocument } from './fields.ts'
import { type Operation, operation } from './operation.ts'

/** How long Document Server may take to fetch what it converts. */
const SOURCE_TOKEN_S = 3600

const Format = z.string().trim().min(1).max(20).meta({ example: 'PDF' })

const PROBLEMS: ProblemCode[] = [
  'document-not-found',
  'conversion-impossible',
  'conversion-failed',
  'conversion-unavailable',
  'conversion-busy',
  'document-server-failed',
  'download-failed',
  'download-refused',
  'storage-unavailable',
  'shutting-down',
]

/** Documents in other formats; the original stays as it is. Source: Nuto Office API, Convert, Download. */
export function conversionOperations({ deps, tokens, internalUrl }: Api): Operation[] {
  return [
    operation({
      method: 'post',
      paths: ['/documents/:documentId/convert'],
      tag: 'Documents',
      summary: 'The document in another format',
      access: 'token',
      permission: 'documents:read',
      params: OfDocument,
      body: z.object({ targetFormat: Format }),
      answer: { status: 200, bytes: true },
      problems: PROBLEMS,
      handle: ({ caller, params, body, request, response }) =>
        send(request, response, caller, { ...params, target: body.targetFormat }),
    }),

    operation({
      method: 'get',
      paths: ['/documents/:documentId/download'],
      tag: 'Documents',
      summary: "The document's file, or another format of it",
      access: 'token',
      permission: 'documents:read',
      params: OfDocument,
      query: z.object({ format: Format.optional() }),
      answer: { status: 200, bytes: true },
      problems: [...PROBLEMS, 'range-not-satisfiable'],
      handle: ({ caller, params, query, request, response }) =>
        send(request, response, caller, { ...params, target: query.format }),
    }),
  ]

  async function send(
    request: Request,
    response: Response,
    caller: Caller,
    { documentId, target }: { documentId: string; target: string | undefined },
  ): Promise<undefined> {
    const document = await readableDocument(deps, caller, documentId)
    const version = await headVersion(deps, document)
    const { sha256, size, extension } = await convert(deps, {
      version,
      title: document.title,
      target: target ?? version.file_type,
      fileAddress: (versionId) => {
        const token = tokens.issue('file', { versionId, part: 'content' }, SOURCE_TOKEN_S)
        return `${internalUrl}/api/onlyoffice/file/${document.id}?t=${token}`
      },
    })
    const name = offeredName(document.title, extension)
    await sendBlob(deps.blobs, request, response, { sha256, size, extension, name })
  }
}
