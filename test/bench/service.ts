import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Running, startMain } from './processes.ts'

export const SECRET = 'bench-secret-0123456789abcdef0123456789abcdef'
export const ADMIN_TOKEN = 'bench-admin-token-0123456789'

export type BenchService = Running & {
  token: string
  /** Of the client whose token it is. */
  credentials: { apiKey: string; secret: string }
  upload(name: string, bytes: Blob): Promise<string>
  /** What a page gets for this document. */
  config(documentId: string): Promise<{ key: string; filePath: string }>
  /** The value of a metric without labels. */
  metric(name: string): Promise<number>
}

/** A fresh folder on the disk that temporary files live on. */
export async function temporaryFolder(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'docs-connector-bench-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

/** The environment of a service that ships, with its limits out of the way. */
export function serviceEnv(dataDir: string, docServerPort: number): Record<string, string> {
  return {
    NODE_ENV: 'production',
    PORT: '0',
    DATA_DIR: dataDir,
    ADMIN_TOKEN,
    ONLYOFFICE_URL: `http://localhost:${docServerPort}`,
    ONLYOFFICE_JWT_SECRET: SECRET,
    RATE_LIMIT_MAX: '1000000000',
    AUTH_RATE_LIMIT_MAX: '1000000',
  }
}

/** The service as it ships, in a process of its own, with an API key made through its own door. */
export async function startService({
  dataDir,
  docServerPort,
  env = {},
}: {
  dataDir: string
  docServerPort: number
  env?: Record<string, string>
}): Promise<BenchService> {
  const running = await startMain({ ...serviceEnv(dataDir, docServerPort), ...env })
  const call = async (path: string, init: RequestInit, bearer: string) => {
    const headers = { ...init.headers, authorization: `Bearer ${bearer}` }
    const response = await fetch(`http://127.0.0.1:${running.port}${path}`, { ...init, headers })
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`)
    return response
  }
  const postJson = async (path: string, body: object, bearer: string) => {
    const headers = { 'content-type': 'application/json' }
    return (await call(path, { method: 'POST', headers, body: JSON.stringify(body) }, bearer)).json()
  }
  const permissions = ['documents:read', 'documents:write']
  const made = await postJson('/api/auth/api-keys', { name: 'bench', permissions }, ADMIN_TOKEN)
  const { apiKey, secret } = made as { apiKey: string; secret: string }
  const { token } = (await postJson('/api/auth/token', { apiKey, secret }, '')) as { token: string }

  return {
    ...running,
    token,
    credentials: { apiKey, secret },
    async upload(name, bytes) {
      const body = new FormData()
      body.append('file', bytes, name)
      const response = await call('/api/documents/upload', { method: 'POST', body }, token)
      return ((await response.json()) as { id: string }).id
    },
    async config(documentId) {
      const response = await call(`/api/onlyoffice/config/${documentId}`, {}, token)
      const { config } = (await response.json()) as { config: { document: { key: string; url: string } } }
      const { pathname, search } = new URL(config.document.url)
      return { key: config.document.key, filePath: pathname + search }
    },
    async metric(name) {
      const text = await (await call('/metrics', {}, ADMIN_TOKEN)).text()
      return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1])
    },
  }
}
