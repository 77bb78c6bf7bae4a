import { expect, test } from 'vitest'
import { startApp } from '../support/app.ts'
import { startBoth } from '../support/both.ts'
import { makeDocx } from '../support/files.ts'

const json = (body: unknown) => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
})

test('a document is given out in another format and stays as it is', async () => {
  await using both = await startBoth()
  const { app, id } = both
  const before = await app.download(id)

  for (const response of [
    await app.fetch(`/api/documents/${id}/convert`, json({ targetFormat: 'TXT' })),
    await app.fetch(`/api/documents/${id}/download?format=txt`),
  ]) {
    expect(response.status).toBe(200)
    expect(response.headers.get('content-disposition')).toContain('report.txt')
    expect(await response.text()).toContain('One')
  }
  expect(await app.download(id)).toEqual(before)
  expect(await app.versions(id)).toHaveLength(1)
})

test('impossible pairs, missing fields and foreign documents are refused', async () => {
  await using both = await startBoth()
  const { app, id } = both
  const code = async (body: unknown, document = id) => {
    const response = await app.fetch(`/api/documents/${document}/convert`, json(body))
    return [response.status, ((await response.json()) as { code: string }).code]
  }
  expect(await code({ targetFormat: 'XLSX' })).toEqual([422, 'conversion-impossible'])
  expect(await code({ targetFormat: 'nonsense' })).toEqual([422, 'conversion-impossible'])
  expect(await code({})).toEqual([400, 'validation-failed'])
  expect(await code({ targetFormat: 'PDF' }, '01a1fd34-93a4-7c3f-a6fc-8d46f7fa269d')).toEqual([
    404,
    'document-not-found',
  ])
})

test('without any engine the answer says what to install', async () => {
  await using app = await startApp({ env: { PATH: '/nowhere' } })
  const id = await app.upload('report.docx', makeDocx(['x']))

  const response = await app.fetch(`/api/documents/${id}/convert`, json({ targetFormat: 'PDF' }))

  expect(response.status).toBe(501)
  expect(((await response.json()) as { detail: string }).detail).toMatch(/ONLYOFFICE_URL.*LibreOffice/)
})

test('the pairs of each engine are published', async () => {
  await using both = await startBoth()
  const answer = (await (await both.app.fetch('/api/onlyoffice/formats', { as: null })).json()) as {
    conversions: Record<string, { isAvailable: boolean; pairs: Record<string, string[]> }>
  }
  expect(answer.conversions.documentServer).toMatchObject({ isAvailable: true })
  expect(answer.conversions.documentServer?.pairs.docx).toContain('pdf')
  expect(answer.conversions.libreOffice?.pairs.docx).toContain('pdf')
})
