import { join } from 'node:path'
import { request } from 'undici'
import { startDocumentServer } from './document-server.ts'
import { LARGE, seedDocuments, WIDE_FOLDER } from './million.ts'
import { p99 } from './percentile.ts'
import { below, type Result } from './results.ts'
import { ADMIN_TOKEN, startService, temporaryFolder } from './service.ts'
import { COMMON, SELDOM } from './titles.ts'

/** A twenty-first of them lies in the trash. */
const DOCUMENTS = 105_000
const MOST_MS = 20
const MOST_KB = 60

/** Pages of the web application for a workspace of 100,000 documents: from the request to the last byte. */
export async function pages(): Promise<Result[]> {
  await using docServer = await startDocumentServer()
  await using folder = await temporaryFolder()
  await seedDocuments(join(folder.path, 'metadata.sqlite'), DOCUMENTS)
  await using service = await startService({ dataDir: folder.path, docServerPort: docServer.port })
  const origin = `http://127.0.0.1:${service.port}`
  const cookie = await signIn(origin)

  const weights: number[] = []
  const show = async (path: string, query: Record<string, string> = {}) => {
    const address = `${origin}${path}?${new URLSearchParams({ workspaceId: LARGE, ...query })}`
    // `fetch` would unpack what comes: the collector of this process, not the server, made its slowest calls.
    const { statusCode, body } = await request(address, { headers: { cookie, 'accept-encoding': 'gzip' } })
    const { byteLength } = await body.arrayBuffer()
    if (statusCode !== 200) throw new Error(`${address} answered ${statusCode}`)
    weights.push(byteLength)
  }

  const orders = ['title', 'type', 'fileSize', 'updatedAt'].flatMap((sortBy) =>
    ['true', 'false'].map((sortDescending) => ({ sortBy, sortDescending })),
  )
  const rows: [name: string, call: (number: number) => Promise<void>][] = [
    ['newest first', () => show('/files')],
    ['every order', (number) => show('/files', orders[number % orders.length])],
    ['one type', () => show('/files', { type: 'Sheet' })],
    ['half way', () => show('/files', { skip: '15000' })],
    ['folder of 500 folders', () => show('/files', { folder: WIDE_FOLDER })],
    ['found in half of all', () => show('/files', { search: COMMON })],
    ['found in a thousandth', () => show('/files', { search: SELDOM })],
    ['trash', (number) => show('/trash', { skip: String((number % 50) * 100) })],
  ]
  const results: Result[] = []
  for (const [name, call] of rows) {
    const ours = await p99(call)
    results.push(below(`files page with 100,000 documents, ${name}, server p99 ms`, { ours }, MOST_MS))
  }
  const ours = Math.max(...weights) / 1000
  results.push(below('files page with 100 rows as it travels, heaviest, kB', { ours }, MOST_KB))
  return results
}

async function signIn(origin: string): Promise<string> {
  const body = new URLSearchParams({ token: ADMIN_TOKEN })
  const response = await fetch(`${origin}/sign-in`, { method: 'POST', body, redirect: 'manual' })
  const [cookie] = response.headers.get('set-cookie')?.split(';') ?? []
  if (cookie === undefined) throw new Error(`sign-in answered ${response.status}`)
  return cookie
}
