import { z } from 'zod'
import { linkFile, listRemoteFiles, retryDelivery, secretOfFiles, unlinkFile } from '../core/remote/files.ts'
import { GRANTS } from '../core/sharing/grants.ts'
import { SharedUser, SharingOptions } from '../core/sharing/options.ts'
import type { RemoteFileRow } from '../metadata/schema.ts'
import type { Api } from './api.ts'
import { ExternalId, Folder, OfDocument, Time } from './fields.ts'
import { type Operation, operation } from './operation.ts'

const MOST_TAKEN = 1000
const MOST_SKIPPED = 1_000_000

const FileUrl = z
  .url({ protocol: /^https?$/, error: 'must be an http(s) address', abort: true })
  .max(4000)
  .refine((url) => !new URL(url).username && !new URL(url).hash, 'must have no user name and no fragment')

const NewFile = z.object({
  url: FileUrl.meta({ description: 'Where we read the file, now and later; of an origin of `FILE_ORIGINS`' }),
  name: z.string().min(1).max(500).meta({ description: 'The file’s name with its extension' }),
  key: ExternalId.meta({ description: 'What you call the file, whatever its name and place become' }),
  etag: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .meta({ description: 'Of the bytes as you know them; the one we know saves looking at them' }),
  writeBack: z
    .strictObject({ url: FileUrl, method: z.enum(['PUT', 'webhook']) })
    .optional()
    .meta({ description: 'Where saves are delivered; absent: the file is opened for reading' }),
  user: SharedUser,
  grants: z
    .array(z.enum(GRANTS))
    .min(1)
    .max(GRANTS.length)
    .optional()
    .meta({ description: 'All but `protect` if absent; without `writeBack` those of reading' }),
  options: SharingOptions.default({}),
  expiresAt: z.iso.datetime().optional().meta({ description: 'Of the address; after 24 hours if absent' }),
  folder: Folder.default('/Linked'),
})

const State = z.enum(['current', 'waiting', 'failed', 'conflict'])

const FileJson = z
  .object({
    documentId: z.uuid(),
    apiKeyId: z.string(),
    key: z.string(),
    state: State.meta({
      description:
        '`waiting`: ours is newer; `failed`: given up; `conflict`: yours had changed, ours became `conflictDocumentId`',
    }),
    etag: z.string().nullable(),
    isReadOnly: z.boolean(),
    isEnding: z.boolean(),
    attempts: z.int(),
    lastError: z.string().nullable(),
    nextAttemptAt: Time.nullable(),
    conflictDocumentId: z.string().nullable(),
    updatedAt: Time,
  })
  .meta({ id: 'LinkedFile' })

/** Files of other programs, opened here and saved back there. */
export function fileLinkOperations({ deps, tokens, publicUrl }: Api): Operation[] {
  const common = { tag: 'Links', access: 'token', permission: 'documents:write' } as const
  return [
    operation({
      ...common,
      method: 'post',
      paths: ['/links'],
      summary: 'Open a file of yours in the editor: the address of a page for one user',
      body: NewFile,
      answer: {
        status: 201,
        json: z.object({ url: z.string(), documentId: z.uuid(), expiresAt: Time }),
      },
      problems: [
        'remote-origin-refused',
        'remote-file-unreadable',
        'extension-not-storable',
        'content-mismatch',
        'upload-empty',
        'upload-too-large',
        'storage-unavailable',
      ],
      isRepeatable: true,
      async handle({ caller, body, resourceId, response }) {
        const { id, documentId, expiresAt } = await linkFile(deps, caller, body, resourceId)
        response.set('Cache-Control', 'no-store')
        const until = expiresAt ?? deps.clock().toISOString()
        const lifetimeS = Math.max(1, Math.ceil((Date.parse(until) - deps.clock().getTime()) / 1000))
        const token = tokens.issue('link', { linkId: id }, lifetimeS)
        return { url: `${publicUrl}/open/${token}`, documentId, expiresAt: until }
      },
    }),

    operation({
      ...common,
      method: 'get',
      paths: ['/links'],
      summary: 'The linked files of the key, the latest change first; all for the administrator',
      query: z.object({
        state: State.optional(),
        skip: z.coerce.number().int().min(0).max(MOST_SKIPPED).default(0),
        take: z.coerce.number().int().min(1).max(MOST_TAKEN).default(100),
      }),
      answer: { status: 200, json: z.object({ links: z.array(FileJson) }) },
      async handle({ caller, query: { state, skip, take } }) {
        return { links: (await listRemoteFiles(deps, caller, { state, skip, take })).map(fileJson) }
      },
    }),

    operation({
      ...common,
      method: 'get',
      paths: ['/links/secret'],
      summary: 'The secret with which our requests for files of the key are signed',
      answer: { status: 200, json: z.object({ secret: z.string() }) },
      async handle({ caller, response }) {
        response.set('Cache-Control', 'no-store')
        return { secret: secretOfFiles(deps, caller) }
      },
    }),

    operation({
      ...common,
      method: 'post',
      paths: ['/links/:documentId/retry'],
      summary: 'Deliver at once what was given up or waits',
      params: OfDocument,
      answer: { status: 200, json: FileJson },
      problems: ['link-not-found'],
      async handle({ caller, params }) {
        return fileJson(await retryDelivery(deps, caller, params.documentId))
      },
    }),

    operation({
      ...common,
      method: 'delete',
      paths: ['/links/:documentId'],
      summary: 'Forget a file; its document goes to the trash once the last save is delivered',
      params: OfDocument,
      answer: { status: 204 },
      problems: ['link-not-found'],
      async handle({ caller, params }) {
        await unlinkFile(deps, caller, params.documentId)
      },
    }),
  ]
}

function fileJson(row: RemoteFileRow): z.input<typeof FileJson> {
  return {
    documentId: row.document_id,
    apiKeyId: row.api_key_id,
    key: row.name_key,
    state: row.state,
    etag: row.etag,
    isReadOnly: row.write_url === null,
    isEnding: row.ended_at !== null,
    attempts: row.attempts,
    lastError: row.last_error,
    nextAttemptAt: row.next_attempt_at,
    conflictDocumentId: row.conflict_document_id,
    updatedAt: row.updated_at,
  }
}
