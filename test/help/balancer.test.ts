import { once } from 'node:events'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, request as plainRequest, type Server } from 'node:http'
import { request as secureRequest } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { KEY, SELF_SIGNED } from '../doctor/certificates.ts'
import { compose, interpolated } from '../support/compose-file.ts'
import { freePort } from '../support/ports.ts'
import { nginxAround, noProxy, replaced, startConfigured } from './proxy.ts'
import { snippet } from './support.ts'

setDefaultCACertificates([...getCACertificates('default'), SELF_SIGNED])

type Place = { port: number; nodes: number[]; folder: string }

/** The balancer of the containers, without what nginx before 1.27.3 leaves to its commercial edition. */
function ofContainers({ port, nodes }: Place): string {
  const names: [string | RegExp, string][] = [
    ['listen 3000;', `listen 127.0.0.1:${port};`],
    [/node-1:3000 resolve/g, `127.0.0.1:${nodes[0]}`],
    [/node-2:3000 resolve/g, `127.0.0.1:${nodes[1]}`],
  ]
  const config = interpolated(compose.configs.balancer.content, {})
  return names.reduce((text, [from, to]) => replaced(text, from, to), config)
}

function ofGuide({ port, nodes, folder }: Place): string {
  const names: [string | RegExp, string][] = [
    ['listen 443 ', `listen 127.0.0.1:${port} `],
    ['/etc/ssl/certs/docs.example.com.pem', join(folder, 'certificate.pem')],
    ['/etc/ssl/private/docs.example.com.key', join(folder, 'key.pem')],
    [/10\.0\.0\.11:3000/g, `127.0.0.1:${nodes[0]}`],
    [/10\.0\.0\.12:3000/g, `127.0.0.1:${nodes[1]}`],
  ]
  return names.reduce((text, [from, to]) => replaced(text, from, to), snippet('nginx-nodes.conf'))
}

const CALLBACK = '/api/onlyoffice/callback'

/** Says which one it is, and what it was asked. */
type Node = { server: Server; port: number; taken: string[]; headers: IncomingMessage['headers'][] }

async function startNode(name: string): Promise<Node> {
  const taken: string[] = []
  const headers: IncomingMessage['headers'][] = []
  const server = createServer((request, response) => {
    taken.push(`${request.method} ${request.url}`)
    headers.push(request.headers)
    // As a node that is killed in the middle of it.
    if (request.url === '/killed') return void request.once('data', () => request.socket.destroy())
    if (request.url === '/killed-unread') return void request.socket.destroy()
    if (request.url === `/killed-by-${name}`) return void request.socket.destroy()
    // As a node that is killed, or says that it is stopping.
    if (name === 'one' && request.url === `/killed${CALLBACK}`) return void request.socket.destroy()
    if (name === 'one' && request.url === `/stopping${CALLBACK}`) return void response.writeHead(503).end()
    if (request.url === '/events') {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write('data: first\n\n')
      return
    }
    let bytes = 0
    request.on('data', (part: Buffer) => {
      bytes += part.length
    })
    request.on('end', () => response.end(`${name} ${bytes}`))
  })
  server.on('upgrade', (_request, socket) => {
    socket.end(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n${name}`)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, port: (server.address() as AddressInfo).port, taken, headers }
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
}

const noNginx = noProxy('nginx')

describe.skipIf(noNginx !== undefined).each([
  ['the balancer of the containers', 'http', ofContainers],
  ['the balancer of the guide', 'https', ofGuide],
] as const)('%s', (_name, scheme, configOf) => {
  let started: AsyncDisposableStack
  let nodes: Node[]
  let origin: string

  // A proxy remembers who failed.
  beforeEach(async () => {
    started = new AsyncDisposableStack()
    nodes = [await startNode('one'), await startNode('two')]
    for (const { server } of nodes) started.defer(() => close(server))
    const folder = await mkdtemp(join(tmpdir(), 'docs-connector-balancer-'))
    await writeFile(join(folder, 'certificate.pem'), SELF_SIGNED)
    await writeFile(join(folder, 'key.pem'), KEY, { mode: 0o600 })
    const port = await freePort()
    origin = `${scheme}://localhost:${port}`
    const http = configOf({ port, folder, nodes: nodes.map((node) => node.port) })
    const config = nginxAround(folder, http)
    started.use(await startConfigured('nginx', { folder, config, url: `${origin}/health` }))
    for (const { taken, headers } of nodes) {
      taken.length = 0
      headers.length = 0
    }
  })
  afterEach(() => started.disposeAsync())

  const send = scheme === 'http' ? plainRequest : secureRequest

  /** From one of the addresses of this machine. @returns status and body */
  async function ask(
    path: string,
    { method = 'GET', body = '', from = '127.0.0.1', headers = {} } = {},
  ): Promise<{ status: number | undefined; text: string }> {
    const { port } = new URL(origin)
    const asked = send({
      host: '127.0.0.1',
      servername: 'localhost',
      port,
      path,
      method,
      localAddress: from,
      headers,
    })
    asked.end(body)
    const [answer] = (await once(asked, 'response')) as [IncomingMessage]
    const parts: Buffer[] = []
    for await (const part of answer) parts.push(part)
    return { status: answer.statusCode, text: Buffer.concat(parts).toString() }
  }

  const takenOf = (path: string) => nodes.flatMap(({ taken }) => taken).filter((line) => line.endsWith(path))

  test('both nodes take requests', async () => {
    const answers = new Set<string>()
    for (let at = 0; at < 10; at += 1) answers.add((await ask('/api/documents')).text)
    expect([...answers].sort()).toEqual(['one 0', 'two 0'])
  })

  test('all of one client in the hub goes to one node, and other clients to others', async () => {
    const nodeOf = new Map<string, Set<string>>()
    for (let at = 1; at <= 20; at += 1) {
      const from = `127.0.0.${at}`
      const seen = new Set<string>()
      for (const [method, path] of [
        ['POST', '/hubs/document/negotiate?negotiateVersion=1'],
        ['GET', '/hubs/document?id=secret'],
        ['POST', '/docs/hubs/document?id=secret'],
        ['DELETE', '/hubs/document?id=secret'],
      ] as const)
        seen.add((await ask(path, { method, from })).text)
      nodeOf.set(from, seen)
    }
    expect([...nodeOf.values()].filter(({ size }) => size !== 1)).toEqual([])
    expect(new Set([...nodeOf.values()].flatMap((seen) => [...seen])).size).toBe(2)
  })

  test.each([
    ['POST', '/killed', 'bytes'],
    ['PATCH', '/killed', 'bytes'],
    ['POST', '/killed-unread', ''],
  ])('%s %s: what a node may have taken is not sent to the other one', async (method, path, body) => {
    const headers = body === '' ? {} : { 'content-length': body.length }
    expect((await ask(path, { method, body, headers })).status).toBe(502)
    expect(takenOf(path)).toHaveLength(1)
  })

  test.each(['killed', 'stopping'])(
    'a callback that a %s node leaves is told to the other one',
    async (how) => {
      const path = `/${how}${CALLBACK}`
      const answers = []
      for (let at = 0; at < 4; at += 1) answers.push(await ask(path, { method: 'POST', body: 'saved' }))
      expect(answers).toEqual(Array(4).fill({ status: 200, text: 'two 5' }))
    },
  )

  test('what changes nothing is asked of the other node', async () => {
    const answers = []
    for (let at = 0; at < 4; at += 1) answers.push(await ask('/killed-by-one'))
    expect(answers).toEqual(Array(4).fill({ status: 200, text: 'two 0' }))
  })

  test('what happens is told at once', async () => {
    const answer = await fetch(`${origin}/events`)
    const { value } = (await answer.body?.getReader().read()) ?? {}
    expect(Buffer.from(value ?? []).toString()).toBe('data: first\n\n')
  })

  test('5 MB pass, and the node hears the address of the client and how it came', async () => {
    const body = 'x'.repeat(5 * 1024 ** 2)
    expect((await ask('/api/documents/upload', { method: 'POST', body })).text).toMatch(/ 5242880$/)
    const [headers] = nodes.flatMap((node) => node.headers)
    expect(headers).toMatchObject({
      host: expect.stringContaining(':') as string,
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': scheme,
    })
  })

  test('WebSockets pass', async () => {
    const { port } = new URL(origin)
    const headers = { connection: 'Upgrade', upgrade: 'websocket' }
    const asked = send({ host: '127.0.0.1', servername: 'localhost', port, path: '/hubs/document', headers })
    asked.end()
    const [answer, socket] = await once(asked, 'upgrade')
    expect(answer.statusCode).toBe(101)
    socket.destroy()
  })

  test('while one node is down the other one takes everything', async () => {
    const [one] = nodes
    if (one === undefined) throw new Error('no node')
    await close(one.server)
    const texts = new Set<string>()
    for (let at = 1; at <= 10; at += 1) {
      const from = `127.0.0.${at}`
      texts.add((await ask('/api/documents', { method: 'POST', body: 'bytes', from })).text)
      texts.add((await ask('/hubs/document/negotiate', { method: 'POST', body: 'bytes', from })).text)
    }
    expect([...texts]).toEqual(['two 5'])
  })
})
