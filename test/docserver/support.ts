import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import jwt, { type Algorithm } from 'jsonwebtoken'
import { createApiKey } from '../../src/core/api-keys.ts'
import type { Permission } from '../../src/core/callers.ts'
import type { Emulator } from '../../src/emulator/emulator.ts'
import { startEmulator } from '../../src/emulator/start.ts'
import { type AppOptions, SECRET, startApp, type TestApp } from '../support/app.ts'
import { makeDocx } from '../support/files.ts'

/** The emulator with its waits cut short. */
export const QUICK = { closeToSaveMs: 50, retryDelaysMs: [20, 20, 20], forcesaveMs: 10, downloadRetryMs: 10 }

export type Pair = AsyncDisposable & { docServer: Emulator & { url: string }; app: TestApp }

/** The service with a Document Server beside it. */
export async function startPair(
  options: Omit<AppOptions, 'docServer'> & { clock?: () => Date } = {},
): Promise<Pair> {
  const { clock, overrides = {}, ...rest } = options
  const clocks = clock === undefined ? {} : { clock }
  const docServer = await startEmulator({ secret: SECRET, timings: QUICK, ...clocks })
  const app = await startApp({ ...rest, docServer, overrides: { ...overrides, ...clocks } })
  return {
    docServer,
    app,
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]()
      await docServer.close()
    },
  }
}

/** An uploaded docx and what its first config says. */
export async function openedDocx(app: TestApp, name = 'report.docx') {
  const bytes = makeDocx(['One', 'Two'])
  const id = await app.upload(name, bytes)
  const config = await app.config(id)
  return { id, bytes, config, key: config.document.key, fileUrl: config.document.url }
}

export type Signing = { secret?: string; algorithm?: Algorithm; now?: Date; expiresInS?: number }

/** A token as Document Server makes them. */
export function sign(
  payload: object,
  { secret = SECRET, algorithm = 'HS256', now, expiresInS = 300 }: Signing = {},
) {
  const iat = Math.floor((now ?? new Date()).getTime() / 1000)
  return jwt.sign({ ...payload, iat, exp: iat + expiresInS }, secret, { algorithm })
}

export type Posted = {
  /** The body beside the token; the signed fields by default. */
  plain?: object
  /** Null: none. */
  bodyToken?: string | null
  /** Value of the header that carries the token; null: none. */
  header?: string | null
  headerName?: string
  /** Instead of the whole JSON body. */
  raw?: string | Buffer
  contentType?: string
  /** Content-Encoding that is announced, true or not. */
  encoding?: string
  now?: Date
}

/** Posts a callback, signed twice like a real one unless told otherwise. */
export async function postCallback(app: TestApp, fields: object, options: Posted = {}) {
  const { headerName = 'authorization', contentType = 'application/json', plain = fields } = options
  const signing = options.now === undefined ? {} : { now: options.now }
  const { bodyToken = sign(fields, signing), header = `Bearer ${sign({ payload: fields }, signing)}` } =
    options
  const body =
    options.raw ?? JSON.stringify({ ...plain, ...(bodyToken === null ? {} : { token: bodyToken }) })
  const response = await fetch(`${app.url}/api/onlyoffice/callback`, {
    method: 'POST',
    headers: {
      'content-type': contentType,
      ...(options.encoding === undefined ? {} : { 'content-encoding': options.encoding }),
      ...(header === null ? {} : { [headerName]: header }),
    },
    body: typeof body === 'string' ? body : new Uint8Array(body),
  })
  return { status: response.status, body: await response.text(), headers: response.headers }
}

/** A file at Document Server that counts how often it was fetched. */
export function countedFile(docServer: Emulator & { url: string }, bytes: Buffer, name = 'output.docx') {
  let fetched = 0
  const path = `/counted/${crypto.randomUUID()}/${name}`
  docServer.serveFile(path, () => {
    fetched += 1
    return bytes
  })
  return {
    url: `${docServer.url}${path}`,
    get fetched() {
      return fetched
    },
  }
}

/** Names of what lies in the folder of incomplete files. */
export function temporaryFiles(app: TestApp): Promise<string[]> {
  return readdir(join(app.dataDir, 'tmp'))
}

/** All rows that a callback could change. */
export async function allRows({ deps: { database } }: TestApp): Promise<string> {
  const rows = [
    await database.selectFrom('documents').selectAll().execute(),
    await database.selectFrom('versions').selectAll().execute(),
    await database.selectFrom('sessions').selectAll().execute(),
    await database.selectFrom('saves').selectAll().execute(),
  ]
  return JSON.stringify(rows)
}

/** A bearer of the test client's workspace, or of another one, with these permissions alone. */
export async function bearerWith(
  app: TestApp,
  permissions: Permission[],
  { elsewhere = false } = {},
): Promise<string> {
  const { workspace_id: workspaceId } = await app.deps.database
    .selectFrom('api_keys')
    .select('workspace_id')
    .where('name', '=', 'Tests')
    .executeTakeFirstOrThrow()
  const { apiKey, secret } = await createApiKey(app.deps, {
    name: 'Some',
    permissions,
    ...(elsewhere ? {} : { workspaceId }),
  })
  const response = await app.fetch('/api/auth/token', {
    method: 'POST',
    as: null,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ apiKey, secret }),
  })
  return ((await response.json()) as { token: string }).token
}
