import { afterAll, expect, test } from 'vitest'
import { startApp } from '../support/app.ts'
import { startBoth } from '../support/both.ts'
import { docxParagraphs, makeDocx } from '../support/files.ts'

const app = await startApp()
afterAll(() => app[Symbol.asyncDispose]())

const DOC = JSON.stringify({
  type: 'doc',
  content: [{ type: 'paragraph', content: [{ type: 'text', text: 'from json' }] }],
})

type Given = { title?: string; jsonContent?: string; folder?: string }

function update(
  on: typeof app,
  id: string,
  changes: Given,
  { query = '', ifMatch }: { query?: string; ifMatch?: string } = {},
) {
  return on.fetch(`/api/documents/${id}${query}`, {
    method: 'PUT',
    headers: {
      'content-type': 'application/json',
      ...(ifMatch === undefined ? {} : { 'if-match': ifMatch }),
    },
    body: JSON.stringify(changes),
  })
}

async function get(on: typeof app, id: string) {
  const response = await on.fetch(`/api/documents/${id}`)
  return {
    etag: response.headers.get('etag') ?? '',
    document: (await response.json()) as { title: string; jsonContent: string | null; folder: string },
  }
}

test('JSON content of a known shape makes the file, as one version, and is given out again', async () => {
  const id = await app.upload('json.docx', makeDocx(['old']))

  const response = await update(app, id, { jsonContent: DOC })

  expect(response.status).toBe(200)
  expect(docxParagraphs(await app.download(id))).toEqual(['from json'])
  expect((await get(app, id)).document.jsonContent).toBe(DOC)
  expect(await app.versions(id)).toMatchObject([
    { versionNumber: 2, kind: 'json', isCurrent: true },
    { versionNumber: 1 },
  ])
})

test.each(['{"anything":["else"]}', '"text"', '[1,2]', ' {"\\ud800": "\\udfff"} '])(
  'JSON content of another shape leaves the file: %s',
  async (json) => {
    const bytes = makeDocx(['stays'])
    const id = await app.upload('json.docx', bytes)

    expect((await update(app, id, { jsonContent: json })).status).toBe(200)

    expect(await app.download(id)).toEqual(bytes)
    expect((await get(app, id)).document.jsonContent).toBe(json)
    expect(await app.versions(id)).toHaveLength(2)
  },
)

test('JSON content with lone surrogates is given out to the character', async () => {
  const id = await app.upload('json.docx', makeDocx(['x']))
  const json = JSON.stringify({ text: 'a' }).replace('a', '\ud800')
  await update(app, id, { jsonContent: json })
  expect((await get(app, id)).document.jsonContent).toBe(json)
})

test.each(['', '{', 'undefined'])('JSON content that is no JSON is refused: %j', async (jsonContent) => {
  const id = await app.upload('json.docx', makeDocx(['x']))
  const response = await update(app, id, { jsonContent, title: 'New' })
  expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([
    400,
    'json-content-invalid',
  ])
  expect((await get(app, id)).document.title).toBe('json')
  expect(await app.versions(id)).toHaveLength(1)
})

test('JSON content beyond 10 MiB is refused', async () => {
  const id = await app.upload('json.docx', makeDocx(['x']))
  const response = await update(app, id, { jsonContent: `"${'ä'.repeat(5 * 1024 ** 2)}"` })
  expect(response.status).toBe(400)
})

test('title, content and place change together, as one version', async () => {
  const id = await app.upload('old.docx', makeDocx(['x']))

  const response = await update(app, id, { title: 'New', jsonContent: DOC, folder: '/done' })

  expect(await response.json()).toMatchObject({ title: 'New', folder: '/done' })
  expect(await app.versions(id)).toHaveLength(2)
})

test('an update without anything to change is refused', async () => {
  const id = await app.upload('old.docx', makeDocx(['x']))
  expect((await update(app, id, {})).status).toBe(400)
})

test('an update changes only what its sender knows', async () => {
  const id = await app.upload('old.docx', makeDocx(['x']))
  const { etag } = await get(app, id)

  const first = await update(app, id, { title: 'First' }, { ifMatch: etag })
  const late = await update(app, id, { title: 'Late' }, { ifMatch: etag })
  const lateJson = await update(app, id, { jsonContent: DOC }, { ifMatch: etag })

  expect([first.status, late.status, lateJson.status]).toEqual([200, 412, 412])
  expect((await get(app, id)).document.title).toBe('First')
  expect(await app.versions(id)).toHaveLength(2)
  const next = first.headers.get('etag') ?? ''
  expect((await update(app, id, { folder: '/a' }, { ifMatch: `"x", ${next}` })).status).toBe(200)
  expect((await update(app, id, { folder: '/b' }, { ifMatch: next })).status).toBe(412)
})

test('JSON content is refused while somebody edits, unless it is forced; then the typed text is a version', async () => {
  await using both = await startBoth()
  const editor = await both.open()
  editor.type(0, 'typed')

  const refused = await update(both.app, both.id, { jsonContent: DOC })
  expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([
    409,
    'document-being-edited',
  ])
  expect((await update(both.app, both.id, { jsonContent: DOC }, { query: '?force=true' })).status).toBe(200)

  expect(docxParagraphs(await both.app.download(both.id))).toEqual(['from json'])
  expect((await both.app.versions(both.id)).map(({ kind }) => kind)).toEqual(['json', 'cut', 'upload'])
  expect((await both.app.config(both.id)).document.key).not.toBe(both.key)
})

test('a save of the editor ends the JSON content; restoring its version brings it back', async () => {
  await using both = await startBoth()
  await update(both.app, both.id, { jsonContent: DOC })
  const editor = await both.open()
  editor.type(0, 'edited')
  await both.app.fetch(`/api/documents/${both.id}/save`, { method: 'POST' })
  expect((await get(both.app, both.id)).document.jsonContent).toBeNull()

  const version = (await both.app.versions(both.id)).find(({ kind }) => kind === 'json')
  await both.app.fetch(`/api/documents/${both.id}/versions/${version?.id}/restore`, { method: 'POST' })

  expect((await get(both.app, both.id)).document.jsonContent).toBe(DOC)
  expect(docxParagraphs(await both.app.download(both.id))).toEqual(['from json'])
})

test('a version gets a label and loses it', async () => {
  const id = await app.upload('labelled.docx', makeDocx(['x']))
  const [version] = await app.versions(id)
  const label = (given: string | null) =>
    app.fetch(`/api/documents/${id}/versions/${version?.id}`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ label: given }),
    })

  expect(await (await label('Signed')).json()).toMatchObject({ id: version?.id, label: 'Signed' })
  expect(await app.versions(id)).toMatchObject([{ label: 'Signed' }])
  expect(await (await label(null)).json()).toMatchObject({ label: null })
  expect((await label('')).status).toBe(400)
})
