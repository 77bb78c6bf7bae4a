import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Reader } from './reader.ts'

/** Each file is one sample of the API page, with the page's base URL and placeholders. */
export const SAMPLES = join(import.meta.dirname, 'page')
export const BASE_URL = 'https://nuto.thamming.com'

/** `json` is empty when the body went into a file. */
export type Answer = { status: number; json: Record<string, string> }

export function readSample(name: string): Promise<string> {
  return readFile(join(SAMPLES, name), 'utf8')
}

/** The calls of a curl sample: they stand apart by an empty line. */
export async function readCalls(name: string): Promise<string[]> {
  return (await readSample(name)).trim().split(/\n{2,}/)
}

/** The text with its placeholders replaced. @throws Error when one of them is not in it */
export function fill(text: string, values: Record<string, string>): string {
  let filled = text
  for (const [placeholder, value] of Object.entries(values)) {
    if (!filled.includes(placeholder)) throw new Error(`no ${placeholder} in:\n${filled}`)
    filled = filled.replaceAll(placeholder, value)
  }
  return filled
}

/** Runs one call of a curl sample. The status is printed by way of `.curlrc`: the call stays as it is. */
export async function call(reader: Reader, text = '', values: Record<string, string> = {}): Promise<Answer> {
  await writeFile(join(reader.folder, '.curlrc'), 'silent\nshow-error\nwrite-out = "\\n%{http_code}"\n')
  const printed = await reader.run('bash', ['-c', fill(text, values)])
  const lineBreak = printed.lastIndexOf('\n')
  const body = printed.slice(0, lineBreak)
  const json = body === '' ? {} : (JSON.parse(body) as Answer['json'])
  return { status: Number(printed.slice(lineBreak)), json }
}
