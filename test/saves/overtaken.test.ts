import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { keepForgotten } from '../../src/core/administration/keep-forgotten.ts'
import { keepVersion } from '../../src/core/administration/keep-version.ts'
import type { Deps } from '../../src/core/deps.ts'
import { copyDocument } from '../../src/core/new-document.ts'
import { sweepBlobs } from '../../src/core/sweep.ts'
import { restoreVersion } from '../../src/core/versions.ts'
import { Problem } from '../../src/errors.ts'
import { type Both, startBoth } from '../support/both.ts'
import { docxParagraphs, makeDocx } from '../support/files.ts'

// Something happens between what was read and the transaction that rests on it.

const CALLER = { kind: 'administrator' } as const
const HOUR_MS = 3_600_000

/** Without Document Server: nothing is typed that would be waited for. */
function overtaken({ deps }: Both['app'], happening: () => Promise<unknown>): Deps {
  const { database } = deps
  const transaction = database.transaction.bind(database)
  vi.spyOn(database, 'transaction').mockImplementationOnce(() => {
    const builder = transaction()
    const execute = builder.execute.bind(builder)
    builder.execute = async (work) => {
      await happening()
      return execute(work)
    }
    return builder
  })
  return { ...deps, docServer: undefined }
}

function draft(seconds: number) {
  return { status: 6, forcesavetype: 0, lastsave: `2026-11-21T08:00:0${seconds}.000Z` }
}

/** Text of each version, with its label. */
async function texts({ app }: Both, documentIds: string[]) {
  const rows = await app.deps.database
    .selectFrom('versions')
    .selectAll()
    .where('document_id', 'in', documentIds)
    .orderBy('created_at')
    .execute()
  return Promise.all(
    rows.map(async ({ kind, label, sha256 }) => ({
      kind,
      label,
      text: docxParagraphs(await buffer(await app.deps.blobs.get(sha256))).join(),
    })),
  )
}

/** The draft's old bytes are not mentioned any more, and about to be swept. */
function movedAndSwept({ app, send }: Both): { deps: Deps; swept: () => Promise<number> } {
  let swept = Promise.resolve(0)
  const deps = overtaken(app, async () => {
    await send(draft(2), makeDocx(['new draft']))
    const inTwoDays = () => new Date(Date.now() + 48 * HOUR_MS)
    swept = sweepBlobs({ ...app.deps, clock: inTwoDays }, { pauseMs: 1000 })
    // Its first look is over.
    await delay(300)
  })
  return { deps, swept: () => swept }
}

test('a copy of a draft that a save moves on meanwhile has what the draft has now', async () => {
  await using both = await startBoth()
  await both.send(draft(1), makeDocx(['old draft']))
  const { deps, swept } = movedAndSwept(both)
  const made = await copyDocument(deps, CALLER, { documentId: both.id })
  expect(await swept()).toBe(1)
  expect(docxParagraphs(await both.app.download(made.id))).toEqual(['new draft'])
})

test('a draft whose bytes are about to be swept is not restored, and nothing has changed', async () => {
  await using both = await startBoth()
  const { app, send, id } = both
  await send(draft(1), makeDocx(['old draft']))
  const [moving] = await app.versions(id)
  const wanted = { documentId: id, versionId: moving?.id ?? '' }
  const { deps, swept } = movedAndSwept(both)
  await expect(restoreVersion(deps, CALLER, wanted)).rejects.toMatchObject({ code: 'precondition-failed' })
  expect(await swept()).toBe(1)
  expect((await app.versions(id)).map(({ kind }) => kind)).toEqual(['draft', 'upload'])
  await restoreVersion(deps, CALLER, wanted)
  expect(docxParagraphs(await app.download(id))).toEqual(['new draft'])
})

test('a draft that a save moves on meanwhile is restored as it was', async () => {
  await using both = await startBoth()
  const { app, send, id } = both
  await send(draft(1), makeDocx(['old draft']))
  const [moving] = await app.versions(id)
  const deps = overtaken(app, () => send(draft(2), makeDocx(['new draft'])))
  await restoreVersion(deps, CALLER, { documentId: id, versionId: moving?.id ?? '' })
  expect(docxParagraphs(await app.download(id))).toEqual(['old draft'])
})

async function withConflict(both: Both): Promise<string> {
  const { app, send, id } = both
  const body = new FormData()
  body.append('file', new Blob([new Uint8Array(makeDocx(['new']))]), 'new.docx')
  expect((await app.fetch(`/api/documents/${id}/content?force=true`, { method: 'PUT', body })).status).toBe(
    201,
  )
  await send(draft(1), makeDocx(['late one']))
  return (await app.versions(id)).find(({ kind }) => kind === 'conflict')?.id ?? ''
}

test('a conflict that is kept as a document while a late save changes it is kept with that', async () => {
  await using both = await startBoth()
  const versionId = await withConflict(both)
  const deps = overtaken(both.app, () => both.send({ ...draft(9), status: 2 }, makeDocx(['late two'])))
  const made = await keepVersion(deps, CALLER, { versionId, as: 'document', id: 'made' })
  expect(docxParagraphs(await both.app.download(made.id))).toEqual(['late two'])
})

test('a conflict that a late save changes while it is made the head is not marked as dealt with', async () => {
  await using both = await startBoth()
  const versionId = await withConflict(both)
  const deps = overtaken(both.app, () => both.send({ ...draft(9), status: 2 }, makeDocx(['late two'])))
  const wanted = { versionId, as: 'head', id: 'unused' } as const
  await expect(keepVersion(deps, CALLER, wanted)).rejects.toMatchObject({ code: 'precondition-failed' })
  const conflict = (await texts(both, [both.id])).find(({ kind }) => kind === 'conflict')
  expect(conflict).toEqual({ kind: 'conflict', label: null, text: 'late two' })

  await keepVersion(both.app.deps, CALLER, wanted)
  expect(docxParagraphs(await both.app.download(both.id))).toEqual(['late two'])
})

test('a node whose lease was taken over while it kept a forgotten file leaves it at Document Server', async () => {
  await using both = await startBoth()
  const { app, key } = both
  const bytes = makeDocx(['forgotten'])
  const deleted: string[] = []
  const docServer = {
    ...app.deps.docServer,
    forgottenUrl: async () => 'http://documents/forgotten/key/output.docx/output.docx',
    head: async () => ({ size: bytes.length, lastModified: 'Sun, 22 Nov 2026 04:00:00 GMT' }),
    info: async () => ({ isKnown: false, users: undefined }),
    download: async () => ({ bytes: Readable.from([bytes]) }),
    deleteForgotten: async (one: string) => void deleted.push(one),
  }
  let demanded = 0
  const held = {
    async demand() {
      demanded += 1
      if (demanded > 1) throw new Problem('lease-lost')
    },
  }
  const locks = { ...app.deps.locks, run: (_key: string, work: (it: typeof held) => unknown) => work(held) }
  const deps = { ...app.deps, docServer, locks } as unknown as Deps
  const kept = await keepForgotten(deps, CALLER, { key, as: 'head', id: 'unused' })
  expect({ kept, deleted }).toEqual({ kept: { documentId: both.id, isDeleted: false }, deleted: [] })
  expect(docxParagraphs(await app.download(both.id))).toEqual(['forgotten'])
})
