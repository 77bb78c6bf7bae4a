import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { formatOf } from '../../src/core/formats.ts'
import { startPair } from '../docserver/support.ts'

const SAMPLES = join(import.meta.dirname, '../../../shared/samples')
const isThere = existsSync(SAMPLES)
const filesOf = (folder: string) =>
  isThere ? readdirSync(join(SAMPLES, folder)).map((name) => [folder, name] as const) : []

const sound = [...filesOf('good'), ...filesOf('legacy')]
const hostile = filesOf('hostile')

const pair = await startPair()
afterAll(() => pair[Symbol.asyncDispose]())
const { app } = pair

const bytesOf = (folder: string, name: string) => readFileSync(join(SAMPLES, folder, name))

async function upload(name: string, bytes: Buffer) {
  const form = new FormData()
  form.append('file', new Blob([new Uint8Array(bytes)]), name)
  const response = await app.fetch('/api/documents/upload', { method: 'POST', body: form })
  return {
    status: response.status,
    json: (await response.json()) as { id: string; format: string; code?: string; detail?: string },
  }
}

const OOXML = ['docx', 'xlsx', 'pptx']

/**
 * Extensions of the other families: what this file certainly is not. An encrypted package shows that it is one,
 * but not of which kind: no other OOXML extension can be told to be wrong.
 */
function strangers(name: string, bytes: Buffer): string[] {
  const own = formatOf(extname(name).slice(1))?.type
  const families = {
    word: ['docx', 'doc', 'odt'],
    cell: ['xlsx', 'xls', 'ods'],
    slide: ['pptx', 'ppt', 'odp'],
    pdf: ['pdf'],
  }
  const isEncrypted = bytes.includes(Buffer.from('EncryptedPackage', 'utf16le'))
  return Object.entries(families)
    .flatMap(([type, extensions]) => (type === own ? [] : extensions))
    .filter((extension) => !isEncrypted || !OOXML.includes(extension))
}

async function opens(name: string, bytes: Buffer, id: string) {
  const extension = extname(name).slice(1).toLowerCase()
  expect(await app.download(id)).toEqual(bytes)
  const config = await app.config(id)
  expect(config.documentType).toBe(formatOf(extension)?.type)
  expect(config.document.fileType).toBe(extension)
}

test.skipIf(!isThere)('the sample files are there (skipped without ../shared/samples)', () => {
  expect(sound.length).toBeGreaterThan(40)
  expect(hostile.length).toBeGreaterThan(15)
})

test.skipIf(!isThere).each(sound)('%s/%s uploads, keeps bytes and type, and opens', async (folder, name) => {
  const bytes = bytesOf(folder, name)
  const { status, json } = await upload(name, bytes)
  expect([status, json.detail]).toEqual([201, undefined])
  expect(json.format).toBe(extname(name).slice(1).toUpperCase())
  await opens(name, bytes, json.id)
})

test.skipIf(!isThere).each(hostile)('%s/%s opens or is refused with a clear answer', async (folder, name) => {
  const bytes = bytesOf(folder, name)
  const { status, json } = await upload(name, bytes)
  if (status === 201) await opens(name, bytes, json.id)
  else expect([status, json.code]).toEqual([400, 'content-mismatch'])
})

test.skipIf(!isThere).each([...sound, ...hostile])(
  '%s/%s under a foreign extension is refused with 400',
  async (folder, name) => {
    const bytes = bytesOf(folder, name)
    for (const extension of strangers(name, bytes)) {
      const { status, json } = await upload(`renamed.${extension}`, bytes)
      expect([extension, status, json.code]).toEqual([extension, 400, 'content-mismatch'])
    }
  },
)
