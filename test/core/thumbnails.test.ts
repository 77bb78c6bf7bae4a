import { CompiledQuery } from 'kysely'
import { afterAll, describe, expect, test } from 'vitest'
import { blankFile } from '../../src/core/blank-files.ts'
import type { Deps } from '../../src/core/deps.ts'
import { sweep } from '../../src/core/sweep.ts'
import { templateFile } from '../../src/core/templates.ts'
import { ThumbnailQueue } from '../../src/core/thumbnails/queue.ts'
import { awaitConversion } from '../../src/docserver/conversion-client.ts'
import type { Database } from '../../src/metadata/schema.ts'
import { claimThumbnail, headWithBytes, pruneThumbnails } from '../../src/metadata/thumbnails.ts'
import { hasLibreOffice, searchPathOf, standIn } from '../conversions/support.ts'
import { startPair } from '../docserver/support.ts'
import { ADMIN_TOKEN, startApp, type TestApp } from '../support/app.ts'
import { testClock } from '../support/clock.ts'
import { makeDocx, makeXlsx } from '../support/files.ts'
import { isScaled } from '../support/scale.ts'

const isInstalled = await hasLibreOffice()
const because = isInstalled ? '' : ' (skipped: LibreOffice is not installed)'
/** A picture of one pixel. */
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEAsTj2FAAAAABJRU5ErkJggg==',
  'base64',
)
const draws = await standIn(`printf %s "${PNG.toString('base64')}" | base64 -d > "$OUT"`)
const fails = await standIn('echo no')
afterAll(async () => {
  await draws[Symbol.asyncDispose]()
  await fails[Symbol.asyncDispose]()
})

const withStandIn = (folder: typeof draws, clock = testClock()) =>
  startApp({ env: { PATH: searchPathOf(folder) }, overrides: { clock: clock.now } })

const OFFICE = { env: { PATH: process.env.PATH ?? '' } }
const queueOf = (deps: Deps) => new ThumbnailQueue(deps, new AbortController().signal)
const drawAll = ({ deps }: TestApp) => queueOf(deps).idle()
const rowsOf = ({ deps }: TestApp) => deps.database.selectFrom('thumbnails').selectAll().execute()

async function ask(app: TestApp, id: string) {
  const response = await app.fetch(`/api/documents/${id}/thumbnail`, { as: ADMIN_TOKEN })
  const bytes = Buffer.from(await response.arrayBuffer())
  const isPng = response.headers.get('content-type') === 'image/png'
  return {
    status: response.status,
    headers: response.headers,
    bytes,
    width: isPng ? bytes.readUInt32BE(16) : undefined,
    height: isPng ? bytes.readUInt32BE(20) : undefined,
    code: isPng ? undefined : (JSON.parse(`${bytes}`) as { code: string }).code,
  }
}

async function replace(app: TestApp, id: string, name: string, bytes: Buffer): Promise<void> {
  const form = new FormData()
  form.append('file', new Blob([new Uint8Array(bytes)]), name)
  await app.fetch(`/api/documents/${id}/content`, { method: 'PUT', body: form, as: ADMIN_TOKEN })
}

describe.skipIf(!isInstalled)(`LibreOffice${because}`, () => {
  test.each([
    ['report.docx', () => templateFile('doc-report'), 452],
    ['budget.xlsx', () => templateFile('sheet-budget'), 452],
    ['pitch.pptx', () => templateFile('slide-pitch'), 180],
    ['form.pdf', () => blankFile('pdf', 'Form'), 452],
    ['notes.txt', async () => Buffer.from('One\n'), 414],
  ] as const)('draws the first page of %s', async (name, bytes, height) => {
    await using app = await startApp(OFFICE)
    const id = await app.upload(name, await bytes())
    expect(await ask(app, id)).toMatchObject({ status: 404, code: 'thumbnail-not-found' })
    await drawAll(app)
    const picture = await ask(app, id)
    expect([picture.status, picture.width]).toEqual([200, 320])
    expect(Math.abs((picture.height ?? 0) - height)).toBeLessThan(50)
    expect(picture.bytes.length).toBeLessThan(60_000)
  })

  test('Document Server draws where there is one', async () => {
    await using pair = await startPair({ env: { PATH: '/nowhere' } })
    const { app, docServer } = pair
    const id = await app.upload('report.docx', await templateFile('doc-report'))
    await ask(app, id)
    await drawAll(app)
    const picture = await ask(app, id)
    expect(picture.status).toBe(200)
    expect(picture.headers.get('content-type')).toBe('image/png')
    expect(docServer).toBeDefined()
  })

  test('LibreOffice draws when Document Server does not answer', async () => {
    await using pair = await startPair(OFFICE)
    const id = await pair.app.upload('report.docx', makeDocx(['One']))
    await ask(pair.app, id)
    await pair.docServer.close()
    await drawAll(pair.app)
    expect((await ask(pair.app, id)).status).toBe(200)
  })
})

test('nothing is drawn before it is asked for; then a browser may keep it and ask whether it is the same', async () => {
  await using app = await withStandIn(draws)
  const id = await app.upload('report.docx', makeDocx(['One']))
  await drawAll(app)
  expect(await rowsOf(app)).toEqual([])
  const first = await ask(app, id)
  expect([first.status, first.headers.get('retry-after')]).toEqual([404, '3'])
  await drawAll(app)
  const picture = await ask(app, id)
  expect(picture.bytes).toEqual(PNG)
  expect(picture.headers.get('cache-control')).toBe('private, no-cache')
  const etag = picture.headers.get('etag') ?? ''
  const same = await fetch(`${app.url}/api/documents/${id}/thumbnail`, {
    headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'if-none-match': etag },
  })
  expect(same.status).toBe(304)
})

test('the same content is drawn once, for all documents that have it', async () => {
  await using app = await withStandIn(draws)
  const ids = [await app.upload('a.docx', makeDocx(['One'])), await app.upload('b.docx', makeDocx(['One']))]
  for (const id of ids) await ask(app, id)
  await Promise.all([drawAll(app), drawAll(app)])
  for (const id of ids) expect((await ask(app, id)).status).toBe(200)
  expect(await rowsOf(app)).toMatchObject([{ attempts: 1, next_attempt_at: null, error: null }])
})

test('a new head has a picture of its own', async () => {
  await using app = await withStandIn(draws)
  const id = await app.upload('a.xlsx', makeXlsx([['One']]))
  await ask(app, id)
  await drawAll(app)
  await replace(app, id, 'a.xlsx', makeXlsx([['Two']]))
  expect((await ask(app, id)).status).toBe(404)
  await drawAll(app)
  expect((await ask(app, id)).status).toBe(200)
})

test('what was asked for of a head that is none any more is not drawn', async () => {
  await using app = await withStandIn(draws)
  const id = await app.upload('a.docx', makeDocx(['One']))
  await ask(app, id)
  await app.fetch(`/api/documents/${id}`, { method: 'DELETE' })
  await drawAll(app)
  expect(await rowsOf(app)).toEqual([])
})

test('a file that cannot be drawn is tried again after a day and not before', async () => {
  const clock = testClock()
  await using app = await withStandIn(fails, clock)
  const id = await app.upload('a.docx', makeDocx(['One']))
  await ask(app, id)
  await drawAll(app)
  const failed = await ask(app, id)
  expect([failed.status, failed.headers.get('retry-after')]).toEqual([404, null])
  expect(await rowsOf(app)).toMatchObject([
    { error: 'conversion-failed', next_attempt_at: null, attempts: 1 },
  ])
  clock.pass(23 * 3600)
  await ask(app, id)
  expect(await rowsOf(app)).toMatchObject([{ next_attempt_at: null }])
  clock.pass(2 * 3600)
  await ask(app, id)
  expect(await rowsOf(app)).toMatchObject([{ error: null, next_attempt_at: clock.now().toISOString() }])
})

test('what a stopped process had claimed is drawn by the next, and not by two at once', async () => {
  const clock = testClock()
  await using app = await withStandIn(draws, clock)
  const id = await app.upload('a.docx', makeDocx(['One']))
  await ask(app, id)
  const now = clock.now().toISOString()
  const until = new Date(clock.now().getTime() + 300_000).toISOString()
  const claims = await Promise.all([1, 2].map(() => claimThumbnail(app.deps.database, { now, until })))
  expect(claims.filter((claim) => claim !== undefined)).toHaveLength(1)

  await drawAll(app)
  expect((await ask(app, id)).status).toBe(404)
  clock.pass(301)
  await drawAll(app)
  expect((await ask(app, id)).status).toBe(200)
  expect(await rowsOf(app)).toMatchObject([{ attempts: 2 }])
})

test('a stop in the middle leaves the picture to the next start', async () => {
  await using slow = await standIn('sleep 30')
  const first = await startApp({ env: { PATH: searchPathOf(slow) }, overrides: { background: true } })
  const id = await first.upload('a.docx', makeDocx(['One']))
  await ask(first, id)
  await expect.poll(() => rowsOf(first), { timeout: 10_000 }).toMatchObject([{ attempts: 1 }])
  await first.close()

  const env = { PATH: searchPathOf(draws) }
  await using second = await startApp({ env, dataDir: first.dataDir, overrides: { background: true } })
  await expect.poll(async () => (await ask(second, id)).status, { timeout: 10_000 }).toBe(200)
  expect(await rowsOf(second)).toMatchObject([{ attempts: 1, next_attempt_at: null }])
})

test('a file over which processes end again and again is given up', async () => {
  const clock = testClock()
  await using app = await withStandIn(draws, clock)
  await ask(app, await app.upload('a.docx', makeDocx(['One'])))
  for (let round = 0; round < 4; round += 1) {
    const now = clock.now()
    const until = new Date(now.getTime() + 300_000).toISOString()
    await claimThumbnail(app.deps.database, { now: now.toISOString(), until })
    clock.pass(301)
  }
  await drawAll(app)
  expect(await rowsOf(app)).toMatchObject([{ error: 'interrupted', next_attempt_at: null, sha256: null }])
})

test('what passes by itself is tried again soon', async () => {
  const clock = testClock()
  await using pair = await startPair({ clock: clock.now, env: { PATH: '/nowhere' } })
  const { app, docServer } = pair
  await ask(app, await app.upload('a.docx', makeDocx(['One'])))
  await docServer.close()
  await drawAll(app)
  const after = (seconds: number) => new Date(clock.now().getTime() + seconds * 1000).toISOString()
  expect(await rowsOf(app)).toMatchObject([{ error: 'document-server-failed', next_attempt_at: after(30) }])
})

test('where nothing draws, nothing is wanted', async () => {
  await using app = await startApp({ env: { PATH: '/nowhere' } })
  const id = await app.upload('a.docx', makeDocx(['One']))
  const answer = await ask(app, id)
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([404, null])
  expect(await rowsOf(app)).toEqual([])
})

test('a picture whose bytes are gone is made anew', async () => {
  await using app = await withStandIn(draws)
  const id = await app.upload('a.docx', makeDocx(['One']))
  await ask(app, id)
  await drawAll(app)
  const [row] = await rowsOf(app)
  await app.deps.blobs.delete(row?.sha256 ?? '')
  expect((await ask(app, id)).status).toBe(404)
  await drawAll(app)
  expect((await ask(app, id)).status).toBe(200)
})

test('the sweeper spares pictures of heads and takes those of earlier versions', async () => {
  const clock = testClock(new Date().toISOString())
  await using app = await withStandIn(draws, clock)
  const id = await app.upload('a.docx', makeDocx(['One']))
  await ask(app, id)
  await drawAll(app)
  clock.pass(48 * 3600)
  await sweep(app.deps, { pauseMs: 0 })
  const picture = await ask(app, id)
  expect(picture.bytes).toEqual(PNG)

  await replace(app, id, 'a.docx', makeDocx(['Two']))
  await sweep(app.deps, { pauseMs: 0 })
  expect(await rowsOf(app)).toEqual([])
  await expect(app.deps.blobs.open(picture.headers.get('etag')?.slice(1, -1) ?? '')).rejects.toMatchObject({
    code: 'blob-missing',
  })
})

/** How SQLite finds the rows of each statement that the work sends. */
async function plansOf(db: Database, work: (db: Database) => Promise<unknown>): Promise<string> {
  const sent: CompiledQuery[] = []
  const watched = db.withPlugin({
    transformQuery({ node, queryId }) {
      sent.push(db.getExecutor().compileQuery(node, queryId))
      return node
    },
    transformResult: async ({ result }) => result,
  })
  await work(watched)
  const plans: string[] = []
  for (const { sql, parameters } of sent) {
    const explained = CompiledQuery.raw(`explain query plan ${sql}`, [...parameters])
    plans.push(...(await db.executeQuery<{ detail: string }>(explained)).rows.map(({ detail }) => detail))
  }
  return plans.join('\n')
}

// How SQLite would go about it.
test.skipIf(isScaled)('no picture costs a look at all documents', async () => {
  await using app = await withStandIn(draws)
  await ask(app, await app.upload('a.docx', makeDocx(['One'])))
  const [row] = await rowsOf(app)
  if (row === undefined) throw new Error('no picture is wanted')
  const plans = await plansOf(app.deps.database, async (db) => {
    await headWithBytes(db, row)
    await pruneThumbnails(db, { after: '', most: 10 })
  })
  expect(plans).toContain('SEARCH documents')
  expect(plans).not.toContain('SCAN documents')
})

test('Document Server is asked for the first page in its proportions, and no larger', async () => {
  const asked: object[] = []
  const post = async (parameters: object) => {
    asked.push(parameters)
    return { endConvert: true, fileUrl: 'http://docserver/cache/output.png', fileType: 'png' }
  }
  const order = {
    key: 'k',
    url: 'http://service/file',
    from: 'docx',
    to: 'png',
    title: 'a.png',
    timeLimitS: 5,
  }
  const answer = await awaitConversion(post, { ...order, thumbnail: { width: 320, height: 453 } })
  expect(answer).toEqual({ url: 'http://docserver/cache/output.png', extension: 'png' })
  const thumbnail = { aspect: 1, first: true, width: 320, height: 453 }
  expect(asked).toEqual([expect.objectContaining({ outputtype: 'png', thumbnail })])
})
