import { expect, test } from 'vitest'
import { startApp, type TestApp } from '../support/app.ts'

type Template = { id: string; name: string; type: string; category: string }

async function templates(app: TestApp, query = ''): Promise<Template[]> {
  return ((await (await app.fetch(`/api/templates${query}`)).json()) as { templates: Template[] }).templates
}

function create(app: TestApp, path: string, body: unknown) {
  return app.fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
}

test('sixteen templates in five categories, filtered by type and category', async () => {
  await using app = await startApp()
  const all = await templates(app)
  expect(all).toHaveLength(16)
  expect(new Set(all.map(({ category }) => category))).toEqual(
    new Set(['Basic', 'Business', 'Finance', 'Education', 'Personal']),
  )
  expect((await templates(app, '?type=sheet')).every(({ type }) => type === 'Sheet')).toBe(true)
  expect((await templates(app, '?category=finance')).length).toBeGreaterThan(0)
  expect((await app.fetch('/api/templates', { as: null })).status).toBe(401)
})

test('each template becomes a document that keeps its type', async () => {
  await using app = await startApp()
  for (const { id, type } of await templates(app)) {
    const response = await create(app, `/api/templates/${id}/create`, {})
    const document = (await response.json()) as { id: string; title: string; type: string; fileSize: number }
    expect([id, response.status, document.type]).toEqual([id, 201, type])
    expect(document.title.length).toBeGreaterThan(0)
    expect((await app.download(document.id)).length).toBe(document.fileSize)
  }
})

test('every path that a reader would try makes one, under the title asked for', async () => {
  await using app = await startApp()
  for (const path of ['/api/templates/create', '/api/documents/from-template']) {
    const response = await create(app, path, { templateId: 'doc-report', title: 'Mine' })
    expect(await response.json()).toMatchObject({ title: 'Mine', type: 'Docs', format: 'DOCX' })
  }
  expect((await create(app, '/api/templates/create', { templateId: 'none' })).status).toBe(404)
  expect((await create(app, '/api/templates/create', {})).status).toBe(400)
})

test('a blank document can be made in all twelve formats, and in no other pair', async () => {
  await using app = await startApp()
  const formats = {
    Docs: ['DOCX', 'ODT', 'TXT', 'MD', 'HTML', 'RTF', 'PDF'],
    Sheet: ['XLSX', 'CSV', 'ODS'],
    Slide: ['PPTX', 'ODP'],
  }
  for (const type of Object.keys(formats)) {
    for (const [of, names] of Object.entries(formats)) {
      for (const format of names) {
        const response = await create(app, '/api/documents', { title: 'Blank', type, format })
        expect([type, format, response.status]).toEqual([type, format, type === of ? 201 : 400])
      }
    }
  }
})
