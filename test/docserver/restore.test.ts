import { expect, test } from 'vitest'
import { startBoth } from '../support/both.ts'
import { docxParagraphs, makeDocx, makeXlsx } from '../support/files.ts'
import { ask, embedTokenOf } from './asked.ts'
import { allRows, countedFile, temporaryFiles } from './support.ts'

test('a version is the head again, and its author is who restored it', async () => {
  await using both = await startBoth()
  const { app, id } = both
  await both.send({ status: 2, lastsave: '2026-11-21T08:00:01.000Z' }, makeDocx(['final']))
  const heard: unknown[] = []
  app.deps.events.subscribe(id, ({ type }) => heard.push(type))

  const { status, answer } = await ask(app, id, 'restore', { version: 1 })

  expect([status, answer]).toEqual([200, { version: 3 }])
  expect(docxParagraphs(await app.download(id))).toEqual(['One', 'Two'])
  expect(heard).toContain('head-changed')
  const { currentVersion, history } = (await ask(app, id, 'history')).answer
  expect(currentVersion).toBe(3)
  expect(history.at(-1)).toMatchObject({ version: 3, user: { name: 'Tests' } })
})

test('an embed that may edit may restore, too', async () => {
  await using both = await startBoth()
  await both.send({ status: 2, lastsave: '2026-11-21T08:00:01.000Z' }, makeDocx(['final']))
  const as = await embedTokenOf(both.app, both.id)
  expect((await ask(both.app, both.id, 'restore', { version: 1 }, { as })).answer).toEqual({ version: 3 })
})

test('one change within a version becomes the head, from the file that Document Server made of it', async () => {
  await using both = await startBoth()
  const { app, docServer, id } = both
  await both.send({ status: 2, lastsave: '2026-11-21T08:00:01.000Z' }, makeDocx(['final']))
  const file = countedFile(docServer, makeDocx(['half of it']))

  const { status, answer } = await ask(app, id, 'restore', { version: 2, fileType: 'docx', url: file.url })

  expect([status, answer]).toEqual([200, { version: 3 }])
  expect(docxParagraphs(await app.download(id))).toEqual(['half of it'])
  const [restored] = await app.versions(id)
  expect(restored).toMatchObject({ kind: 'restored', isCurrent: true })
  expect(restored?.changeDescription).toMatch(/change within version 2/)
})

test('what cannot be restored changes nothing: foreign versions, foreign addresses, other types', async () => {
  await using both = await startBoth()
  const { app, docServer, id } = both
  const own = countedFile(docServer, makeDocx(['Own']))
  const sheet = countedFile(docServer, makeXlsx([['1']]), 'output.xlsx')
  // Versions of this document have the numbers 1 and 2, so 3 is the other one's alone.
  const other = await app.upload('other.docx', makeDocx(['Other']))
  for (const title of ['x', 'y']) await ask(app, other, 'rename', { title })
  await ask(app, id, 'rename', { title: 'z' })
  const before = await allRows(app)

  const cases: [object, number][] = [
    [{ version: 3 }, 404],
    [{ version: 99, url: own.url, fileType: 'docx' }, 404],
    [{ version: 1, url: own.url, fileType: 'exe' }, 415],
    [{ version: 1, url: own.url, fileType: 'xlsx' }, 422],
    [{ version: 1, url: sheet.url.replace(docServer.url, 'http://127.0.0.1:9'), fileType: 'docx' }, 422],
    [{ version: 'first' }, 400],
    [{}, 400],
  ]
  for (const [body, expected] of cases) {
    const { status, answer } = await ask(app, id, 'restore', body)
    expect([body, status]).toEqual([body, expected])
    expect(answer).toMatchObject({ message: expect.any(String), error: expect.stringMatching(/^[A-Z_]+$/) })
  }
  expect([own.fetched, sheet.fetched]).toEqual([0, 0])
  const wrong = await ask(app, id, 'restore', { version: 1, url: sheet.url, fileType: 'docx' })
  expect([wrong.status, wrong.answer.error]).toEqual([400, 'MIME_TYPE_MISMATCH'])

  expect(await allRows(app)).toBe(before)
  expect(await temporaryFiles(app)).toEqual([])
})
