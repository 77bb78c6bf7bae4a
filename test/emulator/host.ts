import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { zipSync } from 'fflate'
import jwt from 'jsonwebtoken'
import { DEVELOPMENT_SECRET } from '../../src/emulator/start.ts'
import type { SignedConfig } from '../../src/emulator/types.ts'

export const FAST = {
  closeToSaveMs: 40,
  dropToSaveMs: 10,
  retryDelaysMs: [20, 20, 20],
  forcesaveMs: 5,
  downloadRetryMs: 10,
  callbackTimeoutMs: 2000,
}

export type Received = {
  method: string
  url: string
  headers: IncomingMessage['headers']
  raw: string
  /** Undefined when there was no JSON body. */
  body: Record<string, unknown> | undefined
}

type Answer = { status: number; body?: string; headers?: Record<string, string> } | 'reset' | 'hang'

const CORS = { 'access-control-allow-origin': '*', 'access-control-allow-headers': 'Authorization' }

/** The other side: serves document.url and takes callbacks. @param options.cors browsers may fetch files too */
export async function startHost(options: { cors?: boolean } = {}) {
  const files = new Map<string, Buffer>()
  const callbacks: Received[] = []
  const downloads: Received[] = []
  let decide: (received: Received) => Answer = () => OK
  const server = createServer((request, response) => void handle(request, response))

  async function handle(request: IncomingMessage, response: ServerResponse) {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const raw = Buffer.concat(chunks).toString()
    const { method = '', url = '', headers } = request
    const received = { method, url, headers, raw, body: raw === '' ? undefined : JSON.parse(raw) }
    if (url.startsWith('/files/')) {
      const headers = options.cors ? CORS : {}
      if (method === 'OPTIONS') return void response.writeHead(204, headers).end()
      downloads.push(received)
      const file = files.get(url)
      response.writeHead(file ? 200 : 404, headers).end(file)
      return
    }
    callbacks.push(received)
    const answer = decide(received)
    if (answer === 'reset') request.socket.destroy()
    else if (answer !== 'hang') {
      response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers })
      response.end(answer.body ?? '{"error":0}')
    }
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    files,
    callbacks,
    downloads,
    /** Decides every answer from now on; the default is 200 {"error":0}. */
    answer(next: (received: Received) => Answer) {
      decide = next
    },
    /** The statuses of the callbacks of one key, in order. */
    statuses: (key?: string) =>
      callbacks.filter(({ body }) => key === undefined || body?.key === key).map(({ body }) => body?.status),
    last(status: number): Record<string, unknown> {
      const found = callbacks.findLast(({ body }) => body?.status === status)?.body
      if (!found) throw new Error(`no callback with status ${status}`)
      return found
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}

export type Host = Awaited<ReturnType<typeof startHost>>

export const OK: Answer = { status: 200, body: '{"error":0}' }

let keys = 0

/** A signed config for a new docx of two paragraphs that the host serves. */
export function documentAt(
  host: Host,
  options: {
    key?: string
    user?: string
    mode?: string
    strict?: boolean
    forcesave?: boolean
    fileType?: string
    bytes?: Buffer
    secret?: string
    /** Beside those that the mode gives. */
    permissions?: Record<string, unknown>
    info?: Record<string, unknown>
    /** Over the usual editorConfig. */
    editorConfig?: Record<string, unknown>
    type?: string
  } = {},
): SignedConfig {
  keys += 1
  const { key = `key-${keys}`, user = 'alice', mode = 'edit', fileType = 'docx' } = options
  const path = `/files/${key}.${fileType}`
  if (!host.files.has(path)) host.files.set(path, options.bytes ?? docx('first', 'second'))
  return signed(
    {
      document: {
        key,
        url: `${host.url}${path}`,
        title: `test.${fileType}`,
        fileType,
        permissions: { edit: mode === 'edit', download: true, ...options.permissions },
        ...(options.info ? { info: options.info } : {}),
      },
      ...(options.type ? { type: options.type } : {}),
      editorConfig: {
        callbackUrl: `${host.url}/callback?user=${user}`,
        mode,
        user: { id: user, name: user.toUpperCase() },
        coEditing: { mode: options.strict ? 'strict' : 'fast' },
        customization: { forcesave: options.forcesave ?? true },
        ...options.editorConfig,
      },
    },
    options.secret,
  )
}

/** A spreadsheet, whose cells the emulator does not show. */
export const book = (host: Host, more: Parameters<typeof documentAt>[1] = {}) =>
  documentAt(host, { fileType: 'xlsx', bytes: Buffer.from('cells'), ...more })
/** A form. */
export const form = (host: Host, more: Parameters<typeof documentAt>[1] = {}) =>
  documentAt(host, { fileType: 'pdf', bytes: Buffer.from('%PDF-1.7'), ...more })

/** An argument of a method with its token. */
export function signedArgument<T extends object>(argument: T, secret = DEVELOPMENT_SECRET, expiresIn = 300) {
  return { ...argument, token: jwt.sign(argument, secret, { expiresIn }) }
}

export function signed(config: SignedConfig, secret = DEVELOPMENT_SECRET, expiresIn = 300): SignedConfig {
  const { token: _token, ...rest } = config
  return { ...rest, token: jwt.sign(rest, secret, { expiresIn }) }
}

export function docx(...paragraphs: string[]): Buffer {
  const body = paragraphs.map((text) => `<w:p><w:r><w:t>${text}</w:t></w:r></w:p>`).join('')
  const parts = {
    '[Content_Types].xml': '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
    'word/document.xml': `<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>${body}<w:sectPr/></w:body></w:document>`,
  }
  return Buffer.from(
    zipSync(Object.fromEntries(Object.entries(parts).map(([name, text]) => [name, Buffer.from(text)]))),
  )
}

/** Sends a command as a connector does: signed in the body. */
export async function command(
  base: string,
  payload: Record<string, unknown>,
  secret = DEVELOPMENT_SECRET,
): Promise<Record<string, unknown>> {
  const response = await fetch(`${base}/coauthoring/CommandService.ashx`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token: jwt.sign(payload, secret, { expiresIn: 300 }) }),
  })
  if (response.status !== 200) throw new Error(`the command service answered ${response.status}`)
  return JSON.parse(await response.text())
}
