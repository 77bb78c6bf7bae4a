import { expect, test } from 'vitest'
import type { VersionAnswer } from '../support/app.ts'
import { type Both, startBoth } from '../support/both.ts'
import { docxParagraphs, makeDocx } from '../support/files.ts'

async function save({ app, id }: Both, query = '') {
  const response = await app.fetch(`/api/documents/${id}/save${query}`, { method: 'POST' })
  return {
    status: response.status,
    answer: (await response.json()) as { outcome: string; version: VersionAnswer },
  }
}

function replace({ app, id }: Both, bytes: Buffer, query = '', headers: Record<string, string> = {}) {
  const body = new FormData()
  body.append('file', new Blob([new Uint8Array(bytes)]), 'new.docx')
  return app.fetch(`/api/documents/${id}/content${query}`, { method: 'PUT', body, headers })
}

test('a save that an integrator asks for holds what is typed and is a version of its own', async () => {
  await using both = await startBoth()
  const editor = await both.open()
  editor.type(0, 'typed this moment')

  const { status, answer } = await save(both)

  expect(status).toBe(200)
  expect(answer).toMatchObject({
    outcome: 'saved',
    version: { versionNumber: 2, kind: 'cut', isCurrent: true },
  })
  expect(docxParagraphs(await both.app.download(both.id))).toEqual(['typed this moment', 'Two'])
  expect((await save(both)).answer).toMatchObject({ outcome: 'unchanged', version: { versionNumber: 2 } })
})

test('a save of a document that nobody has open says so', async () => {
  await using both = await startBoth()
  expect((await save(both)).answer).toMatchObject({ outcome: 'unchanged', version: { versionNumber: 1 } })
})

test('a save that does not arrive in time says why', async () => {
  await using both = await startBoth({ env: { DOWNLOAD_RETRY_S: '0' } })
  const editor = await both.open()
  editor.type(0, 'typed')
  both.docServer.faults.callbacks({ kind: 'drop', status: 6 }, 1)

  const { status, answer } = await save(both, '?wait=1')

  expect(status).toBe(503)
  expect(answer).toMatchObject({ code: 'save-not-arrived' })
})

test('new content is refused while somebody edits, unless it is forced', async () => {
  await using both = await startBoth()
  const editor = await both.open()
  editor.type(0, 'typed')

  const refused = await replace(both, makeDocx(['new']))
  expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([
    409,
    'document-being-edited',
  ])
  expect((await replace(both, makeDocx(['new']), '?force=true')).status).toBe(201)
  expect(docxParagraphs(await both.app.download(both.id))).toEqual(['new'])
  expect((await both.app.versions(both.id)).map(({ kind }) => kind)).toEqual(['upload', 'cut', 'upload'])
})

test('new content replaces only what its sender knows', async () => {
  await using both = await startBoth()
  const known = (await both.app.fetch(`/api/documents/${both.id}/download`)).headers.get('etag') ?? ''

  expect((await replace(both, makeDocx(['a']), '', { 'if-match': known })).status).toBe(201)
  expect((await replace(both, makeDocx(['b']), '', { 'if-match': known })).status).toBe(412)
  expect(docxParagraphs(await both.app.download(both.id))).toEqual(['a'])
})

test('a save that was running already is waited for, not taken for the state of now', async () => {
  await using both = await startBoth({ timings: { forcesaveMs: 400 } })
  const editor = await both.open()
  editor.type(0, 'typed before')
  expect(await both.app.deps.docServer?.forcesave(both.key)).toBe(0)
  expect(await both.app.deps.docServer?.forcesave(both.key)).toBe(4)

  const { answer } = await save(both)

  expect(answer).toMatchObject({ outcome: 'saved', version: { versionNumber: 2, isCurrent: true } })
  expect(docxParagraphs(await both.app.download(both.id))).toEqual(['typed before', 'Two'])
})
