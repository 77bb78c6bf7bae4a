import { offeredName } from '../core/titles.ts'

/** What file systems take, less room for a number. */
const MOST_BYTES = 240

/** A title with its extension as a name that every file system takes. */
export function safeFileName(title: string, extension: string, copy: number): string {
  const ending = `${copy === 1 ? '' : ` (${copy})`}.${extension}`
  const name = cut(safe(offeredName(title, '')).replace(/\.$/, ''), MOST_BYTES - Buffer.byteLength(ending))
  return `${name.trim() === '' ? '_' : name}${ending}`
}

/** A folder of documents as a relative path that leads nowhere else. */
export function safeFolder(folder: string): string {
  return folder
    .split('/')
    .filter((name) => name !== '')
    .map(safeFolderName)
    .join('/')
}

/** One name, never empty. */
export function safeFolderName(name: string): string {
  return cut(safe(offeredName(name, '')), MOST_BYTES).replace(/[. ]+$/, '') || '_'
}

/** Names of devices are files nowhere on Windows. Source: Naming Files, Paths, and Namespaces (Microsoft). */
function safe(name: string): string {
  return /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i.test(name) ? `_${name}` : name
}

function cut(name: string, mostBytes: number): string {
  let short = [...name]
  while (Buffer.byteLength(short.join('')) > mostBytes) short = short.slice(0, -1)
  return short.join('')
}
