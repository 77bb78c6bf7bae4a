import { strFromU8, unzipSync } from 'fflate'
import { fileFromJson } from '../../../src/core/json-content.ts'

export const PNG =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

export type Json = Record<string, unknown>

export function doc(...content: unknown[]): Json {
  return { type: 'doc', content }
}

export function paragraph(...content: unknown[]): Json {
  return { type: 'paragraph', content: content.map((one) => (typeof one === 'string' ? text(one) : one)) }
}

/** @param marks names, or marks as they are */
export function text(words: string, ...marks: unknown[]): Json {
  return {
    type: 'text',
    text: words,
    marks: marks.map((mark) => (typeof mark === 'string' ? { type: mark } : mark)),
  }
}

export function node(type: string, attrs: Json, ...content: unknown[]): Json {
  return { type, attrs, content }
}

export function list(type: string, item: string, ...items: unknown[][]): Json {
  return { type, content: items.map((content) => ({ type: item, content })) }
}

/** The file of a Docs document; fails for JSON that is not known. */
export function makeDoc(json: unknown, extension: string, title = 'Title'): Promise<Buffer> {
  return make('Docs', json, extension, title)
}

export async function make(
  type: 'Docs' | 'Sheet' | 'Slide',
  json: unknown,
  extension: string,
  title = 'Title',
): Promise<Buffer> {
  const made = await fileFromJson(JSON.stringify(json), { type, extension, title })
  if (made === undefined) throw new Error('This JSON has no known shape')
  return made.bytes
}

export async function textOf(json: unknown, extension: 'html' | 'md' | 'txt'): Promise<string> {
  return (await makeDoc(json, extension)).toString()
}

/** What stands between the tags of the body of a page. */
export async function htmlBody(json: unknown): Promise<string> {
  return /<body>\n(.*)<\/body>/s.exec(await textOf(json, 'html'))?.[1]?.trimEnd() ?? ''
}

/** A part of a zip as text. */
export function part(bytes: Buffer, name: string): string {
  return strFromU8(unzipSync(bytes, { filter: (file) => file.name === name })[name] ?? new Uint8Array())
}

export async function docxBody(json: unknown): Promise<string> {
  return part(await makeDoc(json, 'docx'), 'word/document.xml')
}
