import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { recordActivity } from '../../src/core/activity.ts'
import { auditTrail } from '../../src/core/administration/audit-trail.ts'
import { createStorageMeter } from '../../src/core/administration/storage-use.ts'
import { DEFAULT_WORKSPACE_ID } from '../../src/metadata/schema.ts'
import { ADMIN_TOKEN, startApp } from '../support/app.ts'
import { type Both, startBoth, until } from '../support/both.ts'
import { docxParagraphs, makeDocx } from '../support/files.ts'

let both: Both
beforeAll(async () => {
  both = await startBoth({ env: { DOWNLOAD_RETRY_S: '0' } })
})
afterAll(() => both[Symbol.asyncDispose]())

async function ask(path: string, { body, as = ADMIN_TOKEN }: { body?: object; as?: string } = {}) {
  const response = await both.app.fetch(`/api/administration${path}`, {
    as,
    method: 'POST',
    ...(body === undefined
      ? {}
      : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  })
  return { status: response.status, json: (await response.json()) as Record<string, unknown> }
}

const PATHS = [
  '/sessions/some-key/save',
  '/sessions/some-key/disconnect',
  '/sessions/some-key/close',
  '/saves/some-key/retry',
  '/saves/some-key/clear',
  '/versions/some-id/keep',
  '/forgotten/some-key/keep',
  '/doctor',
]

describe.each(PATHS)('%s', (path) => {
  const body = { as: 'document' }

  test('is refused to a client, and without a token', async () => {
    const { app } = both
    expect(await ask(path, { body, as: app.token })).toMatchObject({
      status: 403,
      json: { code: 'administrator-only' },
    })
    const nobody = await app.fetch(`/api/administration${path}`, { as: null, method: 'POST' })
    expect(nobody.status).toBe(401)
  })

  test("is refused to the administrator's cookie without the page's token", async () => {
    const { app } = both
    const signedIn = await fetch(`${app.url}/sign-in`, {
      method: 'POST',
      redirect: 'manual',
      body: new URLSearchParams({ token: ADMIN_TOKEN }),
    })
    const cookie = signedIn.headers.get('set-cookie')?.split(';')[0] ?? ''
    for (const headers of [{}, { origin: app.url }, { origin: app.url, 'x-csrf-token': 'forged' }]) {
      const response = await app.fetch(`/api/administration${path}`, {
        as: null,
        method: 'POST',
        headers: { cookie, ...headers },
      })
      expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([
        403,
        'origin-refused',
      ])
    }
  })

  test.skipIf(path === '/doctor')('answers 404 for what is not there', async () => {
    expect((await ask(path, { body })).status).toBe(404)
  })
})

test('a session is closed although Document Server does not answer; without one nothing is asked', async () => {
  const { app, docServer } = both
  const id = await app.upload('left over.docx', makeDocx(['One']))
  const { key } = (await app.config(id)).document
  docServer.faults.command({ kind: 'status', status: 500 }, 20)
  expect(await ask(`/sessions/${key}/close`)).toMatchObject({
    status: 200,
    json: { isSaved: false, dropped: 0 },
  })
  docServer.faults.clear()
  await using alone = await startApp()
  const response = await alone.fetch('/api/administration/saves/x/retry', { as: ADMIN_TOKEN, method: 'POST' })
  expect(response.status).toBe(424)
})

test('a session that saved nothing gets another key by being closed, and its document stays as it is', async () => {
  const { app } = both
  const bytes = makeDocx(['As it was'])
  const id = await app.upload('untouched.docx', bytes)
  const { key } = (await app.config(id)).document
  expect(await ask(`/sessions/${key}/close`)).toMatchObject({ status: 200 })
  expect((await app.download(id)).equals(bytes)).toBe(true)
  expect(await app.versions(id)).toHaveLength(1)
  const next = (await app.config(id)).document.key
  expect(next).not.toBe(key)
  expect(await ask(`/sessions/${key}/close`)).toMatchObject({ status: 200 })
  expect((await app.config(id)).document.key).toBe(next)
})

/** What the audit trail says of a document, the latest first. */
async function audited(documentId: string) {
  const { entries } = await auditTrail(both.app.deps, { document: documentId, take: 50 })
  return entries.map(({ action, actor_id, detail }) => [action, actor_id, JSON.parse(detail)])
}

test('who disconnected everyone and who closed a session is in the audit trail, once', async () => {
  const { app, docServer } = both
  const id = await app.upload('audited.docx', makeDocx(['One']))
  const config = await app.config(id, '?userId=ann&userName=ann')
  const { key } = config.document
  const editor = await docServer.open(config)
  docServer.faults.command({ c: 'forcesave', kind: 'answer', error: 3 }, 1)
  expect((await ask(`/sessions/${key}/disconnect`)).status).toBe(503)
  expect((await audited(id)).map(([action]) => action)).toEqual(['opened', 'uploaded'])

  expect(await ask(`/sessions/${key}/disconnect`)).toMatchObject({ json: { dropped: 1 } })
  await editor.close()
  await docServer.settled()
  expect((await audited(id))[0]).toEqual(['session-disconnected', 'administrator', { dropped: 1 }])

  for (const _ of [1, 2]) expect((await ask(`/sessions/${key}/close`)).status).toBe(200)
  expect((await audited(id)).slice(0, 2)).toEqual([
    ['session-closed', 'administrator', { isSaved: true, dropped: 0 }],
    ['session-disconnected', 'administrator', { dropped: 1 }],
  ])
})

test('closing what was closed before tells those in the next session nothing', async () => {
  const { app } = both
  const id = await app.upload('next session.docx', makeDocx(['One']))
  const { key } = (await app.config(id)).document
  await ask(`/sessions/${key}/close`)
  await app.config(id)
  const told: string[] = []
  const unsubscribe = app.deps.events.subscribe(id, ({ type }) => told.push(type))
  expect((await ask(`/sessions/${key}/close`)).status).toBe(200)
  unsubscribe()
  expect(told).toEqual([])
})

test('a conflict version is dealt with once, whoever else asks at the same time or later', async () => {
  const { app, docServer } = both
  const id = await app.upload('two minds.docx', makeDocx(['One']))
  const editor = await docServer.open(await app.config(id, '?userId=ann&userName=ann'))
  editor.type(0, 'theirs')
  docServer.faults.command({ c: 'forcesave', kind: 'answer', error: 3 }, 1)
  const [first] = await app.versions(id)
  await app.fetch(`/api/documents/${id}/versions/${first?.id}/restore`, { method: 'POST' })
  await editor.close()
  await docServer.settled()
  const aside = (await app.versions(id)).find(({ kind }) => kind === 'conflict')

  const keep = (as: string) => ask(`/versions/${aside?.id}/keep`, { body: { as } })
  const answers = await Promise.all([keep('head'), keep('document'), keep('head')])
  answers.push(await keep('document'))
  expect(answers.map(({ status }) => status)).toEqual([200, 412, 412, 412])
  expect(answers[1]?.json).toMatchObject({
    code: 'precondition-failed',
    detail: expect.stringContaining('Made the current version'),
  })
  expect((await app.versions(id)).map(({ kind }) => kind)).toEqual([
    'restored',
    'conflict',
    'restored',
    'upload',
  ])
})

describe('a failed save whose edits nobody has', () => {
  const refused = (words: string) => ({
    status: 412,
    json: { code: 'precondition-failed', detail: expect.stringContaining(words) },
  })
  const statesOf = async (documentId: string) =>
    (
      await both.app.deps.database
        .selectFrom('saves')
        .select('state')
        .where('document_id', '=', documentId)
        .execute()
    ).map(({ state }) => state)

  /** A save that could not be fetched, and since then Document Server was installed anew. */
  async function lostSave(name: string, status = 2) {
    const { app } = both
    const id = await app.upload(name, makeDocx(['One']))
    const { key } = (await app.config(id)).document
    const at = new Date().toISOString()
    await app.deps.database
      .insertInto('saves')
      .values({
        id: crypto.randomUUID(),
        key,
        document_id: id,
        node: 'test',
        status,
        author_id: 'ann',
        state: 'failed',
        error: status === 3 ? 'save-without-url' : 'download-failed',
        received_at: at,
        finished_at: at,
      })
      .execute()
    return { id, key }
  }

  async function pass(id: string, seconds: number): Promise<void> {
    const earlier = new Date(Date.now() - seconds * 1000).toISOString()
    await both.app.deps.database
      .updateTable('saves')
      .set({ received_at: earlier, finished_at: earlier })
      .where('document_id', '=', id)
      .execute()
  }

  test('is cleared once it is not sent again; the audit trail says by whom', async () => {
    const { id, key } = await lostSave('lost.docx')
    expect(await ask(`/saves/${key}/clear`)).toMatchObject(refused('until an hour has passed'))
    await pass(id, 3601)
    expect(await ask(`/saves/${key}/clear`)).toMatchObject({ status: 200, json: { cleared: 1 } })
    expect(await ask(`/saves/${key}/clear`)).toMatchObject({ status: 200, json: { cleared: 0 } })
    expect(await statesOf(id)).toEqual(['resolved'])
    expect((await audited(id)).filter(([action]) => action === 'save-cleared')).toEqual([
      ['save-cleared', 'administrator', { saves: 1, errors: ['download-failed'] }],
    ])
  })

  test('is not cleared while somebody has the document open', async () => {
    const { app, docServer } = both
    const { id, key } = await lostSave('open.docx')
    await pass(id, 3601)
    const editor = await docServer.open(await app.config(id, '?userId=ann&userName=ann'))
    expect(await ask(`/saves/${key}/clear`)).toMatchObject(refused('is open in the editor'))
    await editor.close()
    await docServer.settled()
    expect(await statesOf(id)).toEqual(['failed'])
  })

  test('is not cleared while Document Server does not answer, or keeps the file; keeping that settles it', async () => {
    const { docServer } = both
    const { id, key } = await lostSave('kept there.docx')
    await pass(id, 3601)
    docServer.faults.command({ kind: 'status', status: 500 }, 20)
    expect(await ask(`/saves/${key}/clear`)).toMatchObject({ json: { code: 'document-server-failed' } })
    docServer.faults.clear()
    docServer.forgotten.set(key, { bytes: makeDocx(['Edits']), fileType: 'docx', storedAt: new Date() })
    expect(await ask(`/saves/${key}/clear`)).toMatchObject(refused('keeps the file'))
    expect(await statesOf(id)).toEqual(['failed'])
    expect(await ask(`/forgotten/${key}/keep`, { body: { as: 'document' } })).toMatchObject({
      json: { isDeleted: true },
    })
    expect(await statesOf(id)).toEqual(['resolved'])
  })

  test('of a file that Document Server could not build is cleared after the document was opened again', async () => {
    const { app } = both
    const { id, key } = await lostSave('not built.docx', 3)
    await app.deps.database
      .updateTable('sessions')
      .set({ config_issued_at: new Date(Date.now() - 7200_000).toISOString() })
      .where('key', '=', key)
      .execute()
    await pass(id, 3601)
    expect(await ask(`/saves/${key}/clear`)).toMatchObject(refused('open the document in the editor'))
    await app.config(id)
    expect(await ask(`/saves/${key}/clear`)).toMatchObject({ status: 200, json: { cleared: 1 } })
  })
})

test('a draft of a closed session stays as a version', async () => {
  const { app, docServer } = both
  const id = await app.upload('drafted.docx', makeDocx(['One']))
  const config = await app.config(id, '?userId=ann&userName=ann')
  const editor = await docServer.open(config)
  editor.type(0, 'drafted')
  const { key } = config.document
  await app.deps.docServer?.forcesave(key)
  await until(async () => (await app.versions(id)).some(({ kind }) => kind === 'draft'))
  docServer.faults.command({ kind: 'status', status: 500 }, 20)
  await ask(`/sessions/${key}/close`)
  docServer.faults.clear()
  expect((await app.versions(id)).map(({ kind }) => kind)).toEqual(['cut', 'upload'])
  expect(docxParagraphs(await app.download(id))).toEqual(['drafted'])
  await editor.close()
  await docServer.settled()
})

test('a retry says so when Document Server has nothing, and when a file has to wait', async () => {
  const { app, docServer } = both
  const id = await app.upload('nothing.docx', makeDocx(['One']))
  const { key } = (await app.config(id)).document
  expect(await ask(`/saves/${key}/retry`)).toMatchObject({ json: { outcome: 'nothing', reason: null } })
  docServer.forgotten.set(key, { bytes: makeDocx(['Later']), fileType: 'docx', storedAt: new Date() })
  docServer.faults.files({ kind: 'status', status: 500 }, 5)
  expect(await ask(`/saves/${key}/retry`)).toMatchObject({
    json: { outcome: 'waiting', reason: 'download-failed' },
  })
  docServer.faults.clear()
  expect(await ask(`/saves/${key}/retry`)).toMatchObject({ json: { outcome: 'recovered' } })
  expect(docxParagraphs(await app.download(id))).toEqual(['Later'])
})

test('a forgotten file of another installation is not touched', async () => {
  const { docServer } = both
  docServer.forgotten.set('other-installation', {
    bytes: makeDocx(['Theirs']),
    fileType: 'docx',
    storedAt: new Date(),
  })
  expect(await ask('/forgotten/other-installation/keep', { body: { as: 'document' } })).toMatchObject({
    status: 404,
    json: { code: 'key-unknown' },
  })
  expect(docServer.forgotten.has('other-installation')).toBe(true)
  docServer.forgotten.delete('other-installation')
})

test('a forgotten file that somebody has opened again is kept here and at Document Server', async () => {
  const { app, docServer } = both
  const id = await app.upload('reopened.docx', makeDocx(['One']))
  const config = await app.config(id, '?userId=ann&userName=ann')
  const { key } = config.document
  docServer.forgotten.set(key, { bytes: makeDocx(['Forgotten']), fileType: 'docx', storedAt: new Date() })
  const editor = await docServer.open(config)
  const kept = await ask(`/forgotten/${key}/keep`, { body: { as: 'document', title: 'Copy of it' } })
  expect(kept).toMatchObject({ status: 200, json: { isDeleted: false } })
  expect(docServer.forgotten.has(key)).toBe(true)
  await editor.close()
  await docServer.settled()
})

test('the audit trail goes on where its bound was reached, and finds what lies behind it', async () => {
  const { deps } = both.app
  const record = (name: string, times: number, at: string) =>
    deps.commits.run(async (tx) => {
      for (let n = 0; n < times; n += 1)
        await recordActivity(tx, {
          workspaceId: DEFAULT_WORKSPACE_ID,
          documentId: null,
          actor: { id: name, name },
          action: 'changed',
          at,
        })
    })
  await record('Rare Ännchen', 1, '2020-01-01T00:00:00.000Z')
  await record('busy', 1200, '2020-01-02T00:00:00.000Z')
  const found = await auditTrail(deps, { person: 'annchen', take: 10, mostLookedAt: 1000 })
  expect(found).toMatchObject({ entries: [], isCutShort: true })
  const more = await auditTrail(deps, { person: 'annchen', take: 10, cursor: found.nextCursor })
  expect(more.entries.map(({ actor_name }) => actor_name)).toEqual(['Rare Ännchen'])
  const pages = [await auditTrail(deps, { person: 'busy', to: '2021-01-01T00:00:00Z', take: 700 })]
  pages.push(await auditTrail(deps, { person: 'busy', take: 700, cursor: pages[0]?.nextCursor }))
  expect(pages.map(({ entries }) => entries.length)).toEqual([700, 500])
  expect(pages[1]?.nextCursor).toBeUndefined()
  expect(new Set(pages.flatMap(({ entries }) => entries.map(({ id }) => id))).size).toBe(1200)
})

test('stored bytes are counted once for all who ask', async () => {
  const { deps } = both.app
  let walks = 0
  const blobs = new Proxy(deps.blobs, {
    get(target, name) {
      if (name === 'list') walks += 1
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  const use = createStorageMeter({ ...deps, blobs })
  expect((await Promise.all([use(), use()])).every(({ documents }) => documents > 0)).toBe(true)
  await until(async () => (await use()).blobs !== undefined)
  expect((await use()).blobs?.bytes).toBeGreaterThan(1000)
  expect(walks).toBe(1)
})
