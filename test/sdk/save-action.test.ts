import { afterAll, expect, test } from 'vitest'
import { ask, embedTokenOf, pageTokenOf } from '../docserver/asked.ts'
import { bearerWith, openedDocx, startPair } from '../docserver/support.ts'
import { openAs, startApp } from '../support/app.ts'
import { docxParagraphs, makeDocx } from '../support/files.ts'
import { answerOf, descriptionBy, misfit, operationAt } from '../support/openapi.ts'
import { embedToken } from './framed-editor.ts'

const pair = await startPair()
afterAll(() => pair[Symbol.asyncDispose]())
const { app, docServer } = pair

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$/

/** The answer, which must be as described. */
async function save(id: string, as?: string) {
  const { status, answer } = await ask(app, id, 'save', {}, as === undefined ? {} : { as })
  const api = await descriptionBy(app.url)
  const described = operationAt(api, 'POST', `/onlyoffice/documents/${id}/save`)
  const schema = described && answerOf(api, described, status)?.content?.['application/json']?.schema
  expect([status, schema]).toEqual([status, expect.any(Object)])
  expect(misfit(api, schema ?? {}, answer)).toBeUndefined()
  return { status, answer }
}

test('a page has what is typed stored, and is told version and time', async () => {
  const { id } = await openedDocx(app)
  const editor = await openAs(app, docServer, id)
  editor.type(0, 'typed this moment')
  const page = await pageTokenOf(app, id)

  const saved = await save(id, page)

  expect(saved).toEqual({
    status: 200,
    answer: { outcome: 'saved', versionNumber: 2, savedAt: expect.stringMatching(TIME) },
  })
  expect(docxParagraphs(await app.download(id))).toEqual(['typed this moment', 'Two'])
  expect(await save(id, await embedTokenOf(app, id))).toEqual({
    status: 200,
    answer: { ...saved.answer, outcome: 'unchanged' },
  })
})

test('a document that nobody has open is unchanged', async () => {
  const { id } = await openedDocx(app)
  expect(await save(id)).toMatchObject({ status: 200, answer: { outcome: 'unchanged', versionNumber: 1 } })
})

test('who may not edit saves nothing', async () => {
  const { id } = await openedDocx(app)
  const { id: other } = await openedDocx(app, 'other.docx')
  for (const [as, status, error] of [
    [await embedToken(app, id, { permissions: ['view', 'comment'] }), 403, 'GRANT_MISSING'],
    [await bearerWith(app, ['documents:read']), 403, 'GRANT_MISSING'],
    [
      await bearerWith(app, ['documents:read', 'documents:write'], { elsewhere: true }),
      404,
      'DOCUMENT_NOT_FOUND',
    ],
    [await pageTokenOf(app, other), 401, 'TOKEN_INVALID'],
    ['nonsense', 401, 'TOKEN_INVALID'],
  ] as const) {
    expect(await save(id, as)).toMatchObject({ status, answer: { error } })
  }
})

test('without a Document Server there is nothing unsaved', async () => {
  await using alone = await startApp()
  const id = await alone.upload('a.docx', makeDocx(['One']))
  expect((await ask(alone, id, 'save', {})).answer).toMatchObject({ outcome: 'unchanged' })
})
