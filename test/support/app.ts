import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { loadConfig } from '../../src/config.ts'
import { createApiKey } from '../../src/core/api-keys.ts'
import { PERMISSIONS } from '../../src/core/callers.ts'
import type { Deps } from '../../src/core/deps.ts'
import type { EmulatedEditor } from '../../src/emulator/editor.ts'
import type { Emulator } from '../../src/emulator/emulator.ts'
import type { SignedConfig } from '../../src/emulator/types.ts'
import type { HubDoor } from '../../src/hub/hub-door.ts'
import { type Overrides, startService } from '../../src/server.ts'
import { checkedFetch, descriptionBy } from './openapi.ts'
import { dropScaled, scaledEnv } from './scale.ts'

export const SECRET = 'tests-secret-0123456789abcdef0123456789'
export const ADMIN_TOKEN = 'tests-admin-token-0123456789'

export type VersionAnswer = {
  id: string
  versionNumber: number
  kind: string
  isCurrent: boolean
  createdBy: string
  changeDescription: string | null
  fileSize: number
  format: string
}

export type TestApp = AsyncDisposable & {
  url: string
  deps: Deps
  hub: HubDoor
  dataDir: string
  /** Bearer of a client with all permissions. */
  token: string
  /** A request with the client's bearer unless `headers` say otherwise; its answer must be as described. */
  fetch(path: string, init?: RequestInit & { as?: string | null }): Promise<Response>
  upload(name: string, bytes: Buffer): Promise<string>
  /** The signed config, as a page hands it to the editor. */
  config(documentId: string, query?: string): Promise<SignedConfig & { token: string }>
  versions(documentId: string): Promise<VersionAnswer[]>
  download(documentId: string): Promise<Buffer>
  /** Stops this process's service and keeps the data. */
  close(): Promise<void>
}

export type AppOptions = {
  /** Undefined: none is configured, and no emulator stands in. */
  docServer?: (Emulator & { url: string }) | undefined
  env?: Record<string, string>
  overrides?: Overrides
  /** Data of an app that was closed. */
  dataDir?: string
}

/** The service on a port of its own over a fresh data folder; ticks and rounds happen when a test makes them. */
export async function startApp({
  docServer,
  env = {},
  overrides = {},
  dataDir,
}: AppOptions = {}): Promise<TestApp> {
  const folder = dataDir ?? (await mkdtemp(join(tmpdir(), 'docs-connector-')))
  const config = loadConfig({
    NODE_ENV: docServer === undefined ? 'production' : 'test',
    NODE_NAME: 'test',
    PORT: '0',
    DATA_DIR: folder,
    ADMIN_TOKEN,
    LOG_LEVEL: 'silent',
    RATE_LIMIT_MAX: '1000000',
    DOWNLOAD_RETRY_S: '1',
    SHUTDOWN_S: '5',
    ...(docServer === undefined
      ? {}
      : { ONLYOFFICE_URL: docServer.url, ONLYOFFICE_JWT_SECRET: docServer.secret }),
    ...(await scaledEnv(folder)),
    ...env,
  })
  const service = await startService(config, {
    log: pino({ level: 'silent' }),
    background: false,
    ...overrides,
  })
  // Now, before a test breaks something.
  await descriptionBy(service.url)
  const token = await clientToken(service.url, service.deps)

  const app: TestApp = {
    url: service.url,
    deps: service.deps,
    hub: service.hub,
    dataDir: folder,
    token,
    fetch: (path, { as = token, ...init } = {}) =>
      checkedFetch(new URL(path, `${service.url}/`), {
        ...init,
        headers: { ...(as === null ? {} : { authorization: `Bearer ${as}` }), ...init.headers },
      }),
    async upload(name, bytes) {
      const form = new FormData()
      form.append('file', new Blob([new Uint8Array(bytes)]), name)
      const response = await app.fetch('/api/documents/upload', { method: 'POST', body: form })
      if (response.status !== 201)
        throw new Error(`upload answered ${response.status}: ${await response.text()}`)
      return ((await response.json()) as { id: string }).id
    },
    async config(documentId, query = '') {
      const response = await app.fetch(`/api/onlyoffice/config/${documentId}${query}`)
      if (response.status !== 200)
        throw new Error(`config answered ${response.status}: ${await response.text()}`)
      const { config: opened, token: signature } = (await response.json()) as {
        config: SignedConfig
        token: string
      }
      return { ...opened, token: signature }
    },
    async versions(documentId) {
      const response = await app.fetch(`/api/documents/${documentId}/versions`)
      return ((await response.json()) as { versions: VersionAnswer[] }).versions
    },
    async download(documentId) {
      const response = await app.fetch(`/api/documents/${documentId}/download`)
      if (response.status !== 200) throw new Error(`download answered ${response.status}`)
      return Buffer.from(await response.arrayBuffer())
    },
    close: () => service.close(),
    async [Symbol.asyncDispose]() {
      await service.close()
      await rm(folder, { recursive: true, force: true })
      await dropScaled(folder)
    },
  }
  return app
}

async function clientToken(url: string, deps: Deps): Promise<string> {
  const { apiKey, secret } = await createApiKey(deps, { name: 'Tests', permissions: [...PERMISSIONS] })
  const response = await checkedFetch(`${url}/api/auth/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ apiKey, secret }),
  })
  return ((await response.json()) as { token: string }).token
}

/** Opens a document in the emulator's editor as this user. */
export async function openAs(
  app: TestApp,
  docServer: Emulator,
  documentId: string,
  userId = 'ann',
  query = '',
): Promise<EmulatedEditor> {
  return docServer.open(await app.config(documentId, `?userId=${userId}&userName=${userId}${query}`))
}
