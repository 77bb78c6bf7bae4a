import { z } from 'zod'
import { readableDocument } from '../core/documents.ts'
import { listSubmissions, submissionOf, submittedData } from '../core/submissions.ts'
import { offeredName } from '../core/titles.ts'
import { sendBlob } from '../http/send-blob.ts'
import type { SubmissionRow } from '../metadata/submissions.ts'
import type { Api } from './api.ts'
import { Id, OfDocument, Time } from './fields.ts'
import { type Operation, operation } from './operation.ts'

const MOST_TAKEN = 100
const MOST_SKIPPED = 1_000_000

const OfSubmission = OfDocument.extend({ submissionId: Id })

const Submission = z.object({
  id: z.string(),
  documentId: z.string(),
  submittedBy: z.object({ id: z.string(), name: z.string() }),
  fileSize: z.int().meta({ description: 'Bytes of the filled form' }),
  fileType: z.string(),
  hasData: z.boolean().meta({ description: 'False when Document Server gave no data beside the form' }),
  createdAt: Time,
})
const SubmissionJson = Submission.meta({ id: 'Submission' })

/** Forms that were handed in from the editor. */
export function submissionOperations({ deps }: Api): Operation[] {
  return [
    operation({
      method: 'get',
      paths: ['/documents/:documentId/submissions'],
      tag: 'Forms',
      summary: 'The filled forms that were handed in, newest first',
      access: 'token',
      permission: 'documents:read',
      params: OfDocument,
      query: z.object({
        skip: z.coerce.number().int().min(0).max(MOST_SKIPPED).default(0),
        take: z.coerce.number().int().min(1).max(MOST_TAKEN).default(20),
      }),
      answer: {
        status: 200,
        json: z
          .object({ submissions: z.array(SubmissionJson), totalCount: z.int(), skip: z.int(), take: z.int() })
          .meta({ id: 'SubmissionList' }),
      },
      problems: ['document-not-found'],
      async handle({ caller, params: { documentId }, query }) {
        const document = await readableDocument(deps, caller, documentId)
        const { submissions, totalCount } = await listSubmissions(deps, document, query)
        return { submissions: submissions.map(submissionJson), totalCount, ...query }
      },
    }),

    operation({
      method: 'get',
      paths: ['/documents/:documentId/submissions/:submissionId'],
      tag: 'Forms',
      summary: 'A filled form with its data',
      access: 'token',
      permission: 'documents:read',
      params: OfSubmission,
      answer: {
        status: 200,
        json: Submission.extend({
          data: z.unknown().meta({ description: 'The fields as Document Server gives them; null without' }),
        }).meta({ id: 'SubmissionWithData' }),
      },
      problems: ['document-not-found', 'submission-not-found'],
      async handle({ caller, params: { documentId, submissionId } }) {
        const document = await readableDocument(deps, caller, documentId)
        const submission = await submissionOf(deps, document, submissionId)
        return { ...submissionJson(submission), data: await submittedData(deps, submission) }
      },
    }),

    operation({
      method: 'get',
      paths: ['/documents/:documentId/submissions/:submissionId/download'],
      tag: 'Forms',
      summary: 'The file of a filled form',
      access: 'token',
      permission: 'documents:read',
      params: OfSubmission,
      answer: { status: 200, bytes: true },
      problems: ['document-not-found', 'submission-not-found', 'range-not-satisfiable'],
      async handle({ caller, params: { documentId, submissionId }, request, response }) {
        const document = await readableDocument(deps, caller, documentId)
        const { sha256, size, file_type: extension } = await submissionOf(deps, document, submissionId)
        const name = offeredName(document.title, extension)
        await sendBlob(deps.blobs, request, response, { sha256, size, extension, name })
        return undefined
      },
    }),
  ]
}

function submissionJson(row: SubmissionRow): z.input<typeof Submission> {
  return {
    id: row.id,
    documentId: row.document_id,
    submittedBy: { id: row.user_id, name: row.user_name },
    fileSize: row.size,
    fileType: row.file_type,
    hasData: row.data_sha256 !== null,
    createdAt: row.created_at,
  }
}
