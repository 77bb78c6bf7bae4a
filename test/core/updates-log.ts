import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import type { Dialect } from 'kysely'
import { pino } from 'pino'
import { expect } from 'vitest'
import * as Y from 'yjs'
import { MemoryBackplane } from '../../src/backplane/memory.ts'
import { createEvents, type Events } from '../../src/core/events.ts'
import type { RoomMessage } from '../../src/core/updates/room-message.ts'
import { Updates, type UpdatesOptions } from '../../src/core/updates/updates.ts'
import { openDatabase } from '../../src/metadata/database.ts'
import { insertDocument } from '../../src/metadata/documents.ts'
import { GroupCommit } from '../../src/metadata/group-commit.ts'
import type { Database } from '../../src/metadata/schema.ts'
import { testClock } from '../support/clock.ts'
import { databaseUrl, dropScaled } from '../support/scale.ts'
import { newRow, OURS } from './document-rows.ts'

export type UpdatesLog = AsyncDisposable & {
  updates: Updates
  database: Database
  events: Events
  clock: ReturnType<typeof testClock>
  /** Log lines as objects. */
  lines: Record<string, unknown>[]
  newDocument(): Promise<string>
  append(documentId: string, update: Uint8Array, epoch?: number): Promise<number>
  /** What the document's room was told since. */
  listen(documentId: string): RoomMessage[]
  /** The same database with nothing in memory. */
  reopen(): Promise<void>
}

export async function openLog(
  options?: UpdatesOptions,
  wrap?: (dialect: Dialect) => Dialect,
): Promise<UpdatesLog> {
  const folder = await mkdtemp(join(tmpdir(), 'docs-connector-'))
  const clock = testClock()
  const events = createEvents(new MemoryBackplane())
  const lines: Record<string, unknown>[] = []
  const sink = new Writable({
    write(line, _encoding, done) {
      lines.push(JSON.parse(String(line)))
      done()
    },
  })
  const open = async () => {
    const database = await openDatabase(await databaseUrl(folder), { wrap })
    const deps = {
      database,
      commits: new GroupCommit(database),
      events,
      clock: clock.now,
      log: pino({ level: 'info' }, sink),
    }
    return { database, updates: new Updates(deps, options) }
  }
  const close = async () => {
    await log.updates.close()
    await log.database.destroy()
  }
  const log: UpdatesLog = {
    ...(await open()),
    events,
    clock,
    lines,
    async newDocument() {
      const row = newRow('Shared')
      await log.database.transaction().execute((tx) => insertDocument(tx, row))
      return row.id
    },
    append(documentId, update, epoch = 1) {
      const base64 = Buffer.from(update).toString('base64')
      return log.updates.append({ documentId, epoch, update, base64, from: 'connection' })
    },
    listen(documentId) {
      const heard: RoomMessage[] = []
      events.onRoom(documentId, (message) => heard.push(message))
      return heard
    },
    async reopen() {
      await close()
      Object.assign(log, await open())
    },
    async [Symbol.asyncDispose]() {
      await close()
      await dropScaled(folder)
      await rm(folder, { recursive: true, force: true })
    },
  }
  await log.database
    .insertInto('workspaces')
    .values({ id: OURS, name: OURS, created_at: clock.now().toISOString() })
    .execute()
  return log
}

/** The updates that typing these texts one after the other makes. */
export function typed(...texts: string[]): Uint8Array[] {
  const doc = new Y.Doc()
  const updates: Uint8Array[] = []
  doc.on('update', (update: Uint8Array) => updates.push(update))
  for (const text of texts) doc.getText('body').insert(doc.getText('body').length, text)
  return updates
}

export function textOf(...updates: Uint8Array[]): string {
  const doc = new Y.Doc()
  for (const update of updates) Y.applyUpdate(doc, update)
  return doc.getText('body').toString()
}

export async function sharedText(log: UpdatesLog, documentId: string): Promise<string> {
  return textOf((await log.updates.state(documentId)).update)
}

/** How many updates wait in the log. */
export async function logLength(log: UpdatesLog, documentId: string): Promise<number> {
  const rows = await log.database
    .selectFrom('updates')
    .select('count')
    .where('document_id', '=', documentId)
    .execute()
  return rows.reduce((sum, { count }) => sum + count, 0)
}

/** Sequence numbers that a room was told. */
export function toldNumbers(heard: RoomMessage[]): number[] {
  return heard.flatMap((message) =>
    message.kind === 'updates' ? message.updates.map((_update, index) => message.seq + index) : [],
  )
}

export function expectProblem(promise: Promise<unknown>, code: string): Promise<void> {
  return expect(promise).rejects.toMatchObject({ code })
}
