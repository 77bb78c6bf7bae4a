import { randomUUIDv7 } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Caller } from '../../src/core/callers.ts'
import { type ListOptions, listDocuments } from '../../src/core/list-documents.ts'
import { foldedTitle } from '../../src/core/titles.ts'
import { openDatabase } from '../../src/metadata/database.ts'
import { insertDocument, type NewDocumentRow, updateDocument } from '../../src/metadata/documents.ts'
import { eraseDocument } from '../../src/metadata/retention.ts'
import type { Database, DocumentRow } from '../../src/metadata/schema.ts'
import { databaseUrl, dropScaled } from '../support/scale.ts'

export const OURS = 'ours'
export const THEIRS = 'theirs'
const TIME = '2026-11-21T08:00:00.000Z'

export type Rows = AsyncDisposable & {
  database: Database
  insert(title: string, change?: Partial<NewDocumentRow>): Promise<DocumentRow>
  insertAll(titles: string[], change?: Partial<NewDocumentRow>): Promise<void>
  update(id: string, change: Parameters<typeof updateDocument>[2]): Promise<DocumentRow>
  rename(id: string, title: string): Promise<DocumentRow>
  erase(document: DocumentRow): Promise<void>
  /** Titles of a page. */
  titles(options: Partial<ListOptions>, caller?: Caller): Promise<string[]>
}

/** Documents as rows alone, in two workspaces of a fresh database. */
export async function startRows(): Promise<Rows> {
  const folder = await mkdtemp(join(tmpdir(), 'docs-connector-'))
  const rows = await rowsOver(await databaseUrl(folder))
  return {
    ...rows,
    async [Symbol.asyncDispose]() {
      await rows[Symbol.asyncDispose]()
      await dropScaled(folder)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** The same in the database at this address, which is empty. */
export async function rowsOver(url: string): Promise<Rows> {
  const database = await openDatabase(url)
  for (const id of [OURS, THEIRS]) {
    await database.insertInto('workspaces').values({ id, name: id, created_at: TIME }).execute()
  }
  const inTx = <T>(work: Parameters<ReturnType<Database['transaction']>['execute']>[0]) =>
    database.transaction().execute(work) as Promise<T>
  const rows: Rows = {
    database,
    insert: (title, change) => inTx((tx) => insertDocument(tx, newRow(title, change))),
    insertAll: (titles, change) =>
      inTx(async (tx) => {
        for (const title of titles) await insertDocument(tx, newRow(title, change))
      }),
    update: (id, change) => inTx((tx) => updateDocument(tx, id, change)),
    rename: (id, title) => rows.update(id, { title, folded_title: foldedTitle(title) }),
    erase: (document) => inTx((tx) => eraseDocument(tx, document)),
    async titles(options, caller = clientOf(OURS)) {
      const page = await listDocuments({ database }, caller, { skip: 0, take: 100, ...options })
      return page.documents.map(({ title }) => title)
    },
    [Symbol.asyncDispose]: () => database.destroy(),
  }
  return rows
}

export function clientOf(workspaceId: string): Caller {
  return { kind: 'client', id: 'client', name: 'Client', workspaceId, permissions: ['documents:read'] }
}

export function newRow(title: string, change: Partial<NewDocumentRow> = {}): NewDocumentRow {
  const id = randomUUIDv7()
  return {
    id,
    workspace_id: OURS,
    title,
    folded_title: foldedTitle(title),
    file_type: 'docx',
    head_version_id: id,
    last_version_number: 1,
    size: 1000,
    created_by: 'ann',
    created_at: TIME,
    updated_at: TIME,
    deleted_at: null,
    folder: '/',
    external_id: null,
    metadata: '{}',
    ...change,
  }
}
