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
