import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { bearerWith } from '../docserver/support.ts'
import { startApp } from '../support/app.ts'
import { kept } from '../support/scale.ts'

/** Each round is one sequence in a workspace of its own. */
const ROUNDS = 40
const MOST_MS = 15_000

// Without LibreOffice: it takes seconds for a file.
const app = await startApp({ env: { PATH: '/nowhere' } })
afterAll(() => app[Symbol.asyncDispose]())

const FORMATS = [
  'DOCX',
  'ODT',
  'TXT',
  'MD',
  'HTML',
  'RTF',
  'PDF',
  'XLSX',
  'CSV',
  'ODS',
  'PPTX',
  'ODP',
] as const
const SHEETS = new Set(['XLSX', 'CSV', 'ODS'])
const SLIDES = new Set(['PPTX', 'ODP'])
const typeOf = (format: string) => (SHEETS.has(format) ? 'Sheet' : SLIDES.has(format) ? 'Slide' : 'Docs')

type Document = {
  id: string
  title: string
  format: string
  folder: string
  fileSize: number
  metadata: object
}
type Version = {
  id: string
  versionNumber: number
  isCurrent: boolean
  label: string | null
  fileSize: number
}
type List = { documents: Document[]; totalCount: number; nextCursor?: string }

/** What must be so, as the answers told it. */
type Known = {
  title: string
  folder: string
  versions: number
  isDeleted: boolean
  sha256s: string[]
  format: string
}

const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
const anyText = fc.oneof(
  text,
  fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }),
  fc.constantFrom(
    'İstanbul',
    'ẞtraße',
    'ﷺ',
    '../../a',
    'a\0b',
    '\ud800',
    "'; --",
    '%_!',
    '"',
    'a'.repeat(500),
    '.txt',
  ),
)
const folder = fc.oneof(
  fc.constantFrom('/', '/a', '/a/b', '/a/b/c', '/ab', '/é', '/a0', '/😀/a', '/😀/a/b'),
  fc
    .array(fc.string({ unit: 'grapheme', maxLength: 8 }), { maxLength: 4 })
    .map((names) => `/${names.join('/')}`),
)
const metadata = fc.dictionary(
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 10 }),
  fc.oneof(fc.string({ unit: 'grapheme', maxLength: 20 }), fc.double(), fc.boolean()),
  { maxKeys: 5 },
)
const paragraph = text.map((value) => ({ type: 'paragraph', content: [{ type: 'text', text: value }] }))
const jsonContent = fc.oneof(
  fc.array(paragraph, { maxLength: 5 }).map((content) => JSON.stringify({ type: 'doc', content })),
  fc
    .array(fc.array(fc.oneof(text, fc.double(), fc.boolean()), { maxLength: 4 }), { maxLength: 4 })
    .map((rows) => JSON.stringify({ sheets: [{ name: 'S', rows }] })),
  fc
    .array(fc.record({ title: text, body: text }), { maxLength: 3 })
    .map((slides) => JSON.stringify({ slides })),
  fc.json(),
  text,
)
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  text.map((value) => new Uint8Array(Buffer.from(value))),
)
/** Of the documents that there are, as a part of their number. */
const which = fc.nat({ max: 7 })

const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('create' as const),
      format: fc.constantFrom(...FORMATS),
      title: anyText,
      folder,
      metadata,
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('upload' as const), title: text, bytes, folder }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('rename' as const), which, title: anyText }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('json' as const), which, jsonContent }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('content' as const), which, bytes }) },
  fc.record({ do: fc.constant('place' as const), which, folder, metadata }),
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('move' as const), which, depth: fc.nat({ max: 4 }), to: folder }),
  },
  fc.record({ do: fc.constant('label' as const), which, version: which, label: fc.option(anyText) }),
  fc.record({ do: fc.constant('copy' as const), which, title: fc.option(anyText, { nil: undefined }) }),
  { weight: 4, arbitrary: fc.record({ do: fc.constant('restore' as const), which, version: which }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('delete' as const), which }) },
  fc.record({ do: fc.constant('undelete' as const), which }),
  fc.record({
    do: fc.constant('search' as const),
    text: anyText,
    sortBy: fc.constantFrom('title', 'fileSize', 'type', 'createdAt', 'updatedAt'),
  }),
)
/** Each sequence begins with a text, which takes any content. */
const FIRST: Step = { do: 'upload', title: 'First', bytes: new Uint8Array([65]), folder: '/😀/a' }

type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

/** One client and what it knows of its workspace. */
class Client {
  readonly known = new Map<string, Known>()
  readonly as: string
  constructor(as: string) {
    this.as = as
  }

  async ask(method: string, path: string, body?: unknown): Promise<Response> {
    const isForm = body instanceof FormData
    const response = await app.fetch(path, {
      method,
      as: this.as,
      ...(body === undefined ? {} : { body: isForm ? body : JSON.stringify(body) }),
      headers: body === undefined || isForm ? {} : { 'content-type': 'application/json' },
    })
    if (response.status >= 500 && response.status !== 501)
      throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
    return response
  }

  async json<T>(path: string): Promise<T> {
    const response = await this.ask('GET', path)
    if (response.status !== 200) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return (await response.json()) as T
  }

  pick(which: number): [string, Known] | undefined {
    const all = [...this.known]
    return all[which % Math.max(1, all.length)]
  }

  async head(id: string): Promise<string> {
    const response = await this.ask('GET', `/api/documents/${id}/download`)
    const sha256 = createHash('sha256')
      .update(Buffer.from(await response.arrayBuffer()))
      .digest('hex')
    expect(response.headers.get('etag')).toBe(`"${sha256}"`)
    return sha256
  }

  /** A new document, if it was made. */
  async made(response: Response): Promise<void> {
    if (response.status !== 201) return
    const { id, title, folder, format } = (await response.json()) as Document
    this.known.set(id, {
      title,
      folder,
      format,
      versions: 1,
      isDeleted: false,
      sha256s: [await this.head(id)],
    })
  }

  /** One more version, if the change was taken. */
  async changed(id: string, known: Known, response: Response): Promise<void> {
    if (response.status >= 300) return
    known.versions += 1
    known.sha256s.push(await this.head(id))
  }
}

function formOf(name: string, content: Uint8Array): FormData {
  const form = new FormData()
  form.append('file', new Blob([new Uint8Array(content)]), name)
  return form
}

/** Moves what is in a folder and below it, in the trash, too. */
async function move(client: Client, from: string, to: string): Promise<void> {
  const response = await client.ask('POST', '/api/folders/move', { from, to })
  if (response.status !== 200) return
  const target = to
    .split('/')
    .filter(Boolean)
    .map((name) => `/${name}`)
    .join('')
  const inIt = [...client.known.values()].filter(
    ({ folder }) => folder === from || folder.startsWith(`${from}/`),
  )
  expect(await response.json()).toEqual({ moved: inIt.length })
  for (const known of inIt) known.folder = target + known.folder.slice(from.length) || '/'
}

async function run(client: Client, one: Step): Promise<void> {
  if (one.do === 'create') {
    const { do: _do, ...wanted } = one
    return client.made(await client.ask('POST', '/api/documents', { ...wanted, type: typeOf(one.format) }))
  }
  if (one.do === 'upload') {
    const query = new URLSearchParams({ folder: one.folder })
    return client.made(
      await client.ask('POST', `/api/documents/upload?${query}`, formOf(`${one.title}.txt`, one.bytes)),
    )
  }
  if (one.do === 'search') {
    const query = new URLSearchParams({ search: one.text.toWellFormed(), sortBy: one.sortBy })
    await client.json<List>(`/api/documents?${query}`)
    return
  }
  const picked = client.pick(one.which)
  if (picked === undefined) return
  const [id, known] = picked
  if (one.do === 'move')
    return move(
      client,
      known.folder
        .split('/')
        .slice(0, one.depth + 1)
        .join('/'),
      one.to,
    )
  const path = `/api/documents/${id}`
  if (known.isDeleted && one.do !== 'undelete') {
    expect((await client.ask('PATCH', path, { title: 'gone' })).status).toBe(404)
    return
  }
  switch (one.do) {
    case 'rename': {
      const response = await client.ask('PATCH', path, { title: one.title })
      expect(response.status).toBe(200)
      known.title = ((await response.json()) as Document).title
      return client.changed(id, known, response)
    }
    case 'json':
      return client.changed(id, known, await client.ask('PUT', path, { jsonContent: one.jsonContent }))
    case 'content':
      return client.changed(id, known, await client.ask('PUT', `${path}/content`, formOf('a', one.bytes)))
    case 'place': {
      const response = await client.ask('PATCH', path, { folder: one.folder, metadata: one.metadata })
      if (response.status === 200) known.folder = ((await response.json()) as Document).folder
      return
    }
    case 'copy':
      return client.made(
        await client.ask('POST', `${path}/copy`, one.title === undefined ? {} : { title: one.title }),
      )
    case 'delete':
      expect((await client.ask('DELETE', path)).status).toBe(204)
      known.isDeleted = true
      return
    case 'undelete':
      expect((await client.ask('POST', `${path}/undelete`)).status).toBe(known.isDeleted ? 200 : 404)
      known.isDeleted = false
      return
    case 'label':
    case 'restore': {
      const { versions } = await client.json<{ versions: Version[] }>(`${path}/versions`)
      const version = versions[one.version % versions.length]
      const at = `${path}/versions/${version?.id}`
      if (one.do === 'label') {
        const status = (await client.ask('PATCH', at, { label: one.label })).status
        expect([200, 400]).toContain(status)
        return
      }
      const response = await client.ask('POST', `${at}/restore`)
      expect(response.status).toBe(200)
      await client.changed(id, known, response)
      expect(known.sha256s.at(-1)).toBe(known.sha256s[(version?.versionNumber ?? 0) - 1])
    }
  }
}

/** All that must be so after any sequence. */
async function demandWhole(client: Client): Promise<void> {
  const living = [...client.known].filter(([, { isDeleted }]) => !isDeleted)
  for (const [id, known] of living) await demandDocumentWhole(client, id, known)

  const listed: Document[] = []
  for (let query = ''; ; ) {
    const page = await client.json<List>(`/api/documents?take=3${query}`)
    expect(page.totalCount).toBe(living.length)
    listed.push(...page.documents)
    if (page.nextCursor === undefined) break
    query = `&cursor=${page.nextCursor}`
  }
  expect(listed.map(({ id }) => id).sort()).toEqual(living.map(([id]) => id).sort())
  const trash = await client.json<List>('/api/documents/trash?take=100')
  expect(trash.totalCount).toBe(client.known.size - living.length)
  await demandFolders(client, '/', listed)
}

async function demandDocumentWhole(client: Client, id: string, known: Known): Promise<void> {
  const { versions } = await client.json<{ versions: Version[] }>(`/api/documents/${id}/versions`)
  expect(versions.map(({ versionNumber }) => versionNumber)).toEqual(
    Array.from({ length: known.versions }, (_, n) => known.versions - n),
  )
  expect(versions.map(({ isCurrent }) => isCurrent)).toEqual(versions.map((_, n) => n === 0))
  expect(await client.head(id)).toBe(known.sha256s.at(-1))
  const document = await client.json<Document>(`/api/documents/${id}`)
  expect(document).toMatchObject({ title: known.title, folder: known.folder, format: known.format })
  expect(document.fileSize).toBe(versions[0]?.fileSize)

  const fragment = fragmentOf(known.title)
  const found = await client.json<List>(`/api/documents?take=100&search=${encodeURIComponent(fragment)}`)
  expect(
    found.documents.map(({ id }) => id),
    `search for ${JSON.stringify(fragment)}`,
  ).toContain(id)
}

/** From the middle of it, at signs as people see them; nobody types a NUL. */
function fragmentOf(title: string): string {
  const signs = [...new Intl.Segmenter().segment(title)].map(({ segment }) => segment)
  const from = Math.floor(signs.length / 3)
  const fragment = signs.slice(from, from + Math.max(4, Math.floor(signs.length / 2))).join('')
  return [...fragment.toWellFormed().replaceAll('\0', ' ')].slice(0, 400).join('')
}

/** The counts of each folder are those of the documents in and below it. */
async function demandFolders(client: Client, parent: string, documents: Document[]): Promise<void> {
  const { folders } = await client.json<{ folders: { folder: string; count: number }[] }>(
    `/api/folders?parent=${encodeURIComponent(parent)}`,
  )
  const prefix = parent === '/' ? '/' : `${parent}/`
  const below = documents.filter(({ folder }) => folder.startsWith(prefix) && folder !== '/')
  const expected = Map.groupBy(below, ({ folder }) => prefix + folder.slice(prefix.length).split('/')[0])
  expect(new Map(folders.map(({ folder, count }) => [folder, count]))).toEqual(
    new Map([...expected].map(([folder, inIt]) => [folder, inIt.length])),
  )
  for (const { folder } of folders) {
    const query = new URLSearchParams({ folder, recursive: 'true', take: '0' })
    expect((await client.json<List>(`/api/documents?${query}`)).totalCount).toBe(expected.get(folder)?.length)
    await demandFolders(client, folder, documents)
  }
}

test('whatever a client does in whatever order, versions have no gaps, heads are whole and lists agree', async () => {
  const end = performance.now() + MOST_MS
  const steps = fc.array(step, { minLength: 1, maxLength: 25, size: 'max' })
  await fc.assert(
    fc.asyncProperty(steps, async (steps) => {
      // None is left running behind the test's back.
      if (performance.now() > end) return
      const client = new Client(
        await bearerWith(app, ['documents:read', 'documents:write'], { elsewhere: true }),
      )
      for (const one of [FIRST, ...steps]) await run(client, one)
      await demandWhole(client)
    }),
    { numRuns: ROUNDS },
  )
})

test.each([
  ['ΟΔΟΣΗΜΑ', 'ΟΔΟΣ'],
  ['ΟΔΟΣΗΜΑ', 'ΟΣ'],
  ['a\0bcdef', 'bc'],
  ['İstanbul', 'istan'],
])('a document named %j is found by %j', async (title, search) => {
  const client = new Client(await bearerWith(app, ['documents:read', 'documents:write'], { elsewhere: true }))
  await client.ask('POST', '/api/documents', { title, type: 'Docs', format: 'TXT' })
  const { documents } = await client.json<List>(`/api/documents?search=${encodeURIComponent(search)}`)
  expect(documents.map((one) => one.title)).toEqual([kept(title)])
})
