import { readdir } from 'node:fs/promises'
import { parse as parseDisposition } from 'content-disposition'
import { afterAll, expect, test } from 'vitest'
import { startPair } from '../docserver/support.ts'
import { makeDocx } from '../support/files.ts'
import { isScaled, kept } from '../support/scale.ts'

const pair = await startPair()
afterAll(() => pair[Symbol.asyncDispose]())
const { app } = pair
const docx = makeDocx(['One'])

async function titleOf(id: string): Promise<string> {
  return ((await (await app.fetch(`/api/documents/${id}`)).json()) as { title: string }).title
}

async function create(title: string): Promise<{ id: string; title: string }> {
  const response = await app.fetch('/api/documents', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ title, type: 'Docs', format: 'DOCX' }),
  })
  expect(response.status).toBe(201)
  return (await response.json()) as { id: string; title: string }
}

/** Title as data, and the name that a download offers for it. */
const HOSTILE: [string, string, string][] = [
  ['a path upwards', '../../etc/passwd', '.._.._etc_passwd.docx'],
  ['a Windows path', 'C:\\Windows\\system32', 'C__Windows_system32.docx'],
  ['NUL', 'a\0b', isScaled ? 'a\uFFFDb.docx' : 'a_b.docx'],
  ['CR and LF', 'a\r\nSet-Cookie: x=1', 'a__Set-Cookie_ x=1.docx'],
  ['the end of a script', '</script><script>alert(1)</script>', '__script__script_alert(1)__script_.docx'],
  ['quotes', 'say "hi"; filename=evil.exe', 'say _hi_; filename=evil.exe.docx'],
  ['all that file systems refuse', '/\\:*?"<>|\x01\x7f\x85', '____________.docx'],
  ['a right-to-left override', 'invoice\u202Excod.exe', 'invoice\u202Excod.exe.docx'],
  ['emoji', 'Plan 😀👩‍👩‍👧', 'Plan 😀👩‍👩‍👧.docx'],
  ['Cyrillic', 'Отчёт за год', 'Отчёт за год.docx'],
  ['Latin-1', 'naïve café', 'naïve café.docx'],
  ['percent signs', '100%41 %00 €', '100%41 %00 €.docx'],
  ['composed letters', '\u00e9', '\u00e9.docx'],
  ['decomposed letters', 'e\u0301', 'e\u0301.docx'],
  ['what breaks templates', '<%= it.nonce %> {{y}}', '_%= it.nonce %_ {{y}}.docx'],
  ['SQL', "'; DROP TABLE documents; --", "'; DROP TABLE documents; --.docx"],
]

test.each(HOSTILE)(
  'a title with %s is stored as it is and offered as a safe name',
  async (_name, title, offered) => {
    const { id } = await create(title)
    expect(await titleOf(id)).toBe(kept(title))
    expect((await app.config(id)).document.title).toBe(`${kept(title)}.docx`)
    const download = await app.fetch(`/api/documents/${id}/download`)
    const disposition = download.headers.get('content-disposition') ?? ''
    expect(disposition).toMatch(/^attachment; filename=/)
    expect(disposition.match(/attachment/g)).toHaveLength(1)
    expect(parseDisposition(disposition).parameters.filename).toBe(offered)
    expect(download.headers.get('set-cookie')).toBeNull()
    const page = await app.fetch(`/api/onlyoffice/viewer/${id}`)
    expect(page.status).toBe(200)
    expect(await page.text()).not.toContain('<script>alert')
  },
)

test('lone surrogates become replacement characters, for they cannot be stored', async () => {
  const { id, title } = await create('a\ud800b')
  expect(title).toBe('a\ufffdb')
  expect(await titleOf(id)).toBe('a\ufffdb')
  expect((await app.fetch(`/api/documents/${id}/download`)).status).toBe(200)
})

test('titles that look alike stay two', async () => {
  const [one, two] = [await create('\u00e9t\u00e9'), await create('e\u0301te\u0301')]
  expect(await titleOf(one.id)).not.toBe(await titleOf(two.id))
})

test('no title or file name ever becomes a name on disk', async () => {
  await app.upload('../../escape-artist.docx', docx)
  await create('escape-artist')
  const names = await readdir(app.dataDir, { recursive: true })
  expect(names.filter((name) => name.includes('escape'))).toEqual([])
  expect(
    names.every((name) =>
      /^(blobs(\/[0-9a-f]{2}(\/[0-9a-f]{64})?)?|tmp|cache(\/.*)?|node|service\.lock.*|metadata\.sqlite.*|secrets\.json)$/.test(
        name,
      ),
    ),
  ).toBe(true)
})

test.each([
  ['a plain name', 'report.docx', 'report'],
  ['capitals', 'REPORT.DOCX', 'REPORT'],
  ['several dots', 'a.b.c.docx', 'a.b.c'],
  ['a doubled extension', 'report.docx.docx', 'report.docx'],
  ['a path', 'C:\\Users\\me\\report.docx', 'report'],
  ['a path upwards', '../../report.docx', 'report'],
  ['Cyrillic', 'Отчёт.docx', 'Отчёт'],
  ['Chinese', '报告.docx', '报告'],
  ['emoji', '😀.docx', '😀'],
  ['decomposed letters', 'e\u0301.docx', 'e\u0301'],
  ['blanks around', '  a  .docx', '  a  '],
  ['a percent sign', '100%25.docx', '100%25'],
])('uploaded under %s, the title never carries the extension', async (_name, fileName, title) => {
  expect(await titleOf(await app.upload(fileName, docx))).toBe(title)
})

test('a file name of more than 500 characters is cut, its extension counts', async () => {
  const id = await app.upload(`${'x'.repeat(600)}.docx`, docx)
  expect(await titleOf(id)).toBe('x'.repeat(500))
  const download = await app.fetch(`/api/documents/${id}/download`)
  expect(download.headers.get('content-disposition')).toContain(`${'x'.repeat(500)}.docx`)
})

test('a file name in the extended form of RFC 8187 is read', async () => {
  const boundary = 'b'
  const head = `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename*=UTF-8''%D0%9E%D1%82%D1%87%D1%91%D1%82.docx\r\n\r\n`
  const body = Buffer.concat([Buffer.from(head), docx, Buffer.from(`\r\n--${boundary}--\r\n`)])
  const response = await app.fetch('/api/documents/upload', {
    method: 'POST',
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
    body: new Uint8Array(body),
  })
  expect(response.status).toBe(201)
  expect(await response.json()).toMatchObject({ title: 'Отчёт', format: 'DOCX' })
})
