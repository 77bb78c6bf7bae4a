import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test as run } from 'vitest'
import { createTokens } from '../../src/core/tokens.ts'
import { auditStorage } from '../crash/audit.ts'
import { type PatientClient, patientClient } from '../crash/client.ts'
import { joined, textOf, typed } from '../hub/support.ts'
import { ADMIN_TOKEN, type VersionAnswer } from '../support/app.ts'
import { until } from '../support/both.ts'
import { makeDocx } from '../support/files.ts'
import { signIn } from '../support/service-process.ts'
import { LEASE_S, missing, type NodeName, type Nodes, startNodes } from './nodes.ts'

// With the reason in `missing`.
const test = run.skipIf(missing !== undefined)

const MOST_FAILURES = 6
const TICKED_S = 8

let nodes: Nodes
let headers: { authorization: string }
let client: PatientClient

beforeAll(async () => {
  if (missing !== undefined) return
  nodes = await startNodes({
    env: {
      FORCESAVE_INTERVAL_S: '1',
      DOWNLOAD_RETRY_S: '0',
      AUTH_RATE_LIMIT_MAX: String(MOST_FAILURES),
    },
    timings: { closeToSaveMs: 50, retryDelaysMs: [100, 200, 400], forcesaveMs: 20 },
  })
  headers = await signIn(nodes.url)
  client = patientClient(nodes.url, headers, new AbortController().signal)
}, 180_000)
afterAll(() => nodes?.[Symbol.asyncDispose]())

const NAMES: NodeName[] = ['a', 'b']

function on(name: NodeName, path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(`${nodes.node(name).url}${path}`, { ...init, headers: { ...headers, ...init.headers } })
}

async function newDocument(): Promise<string> {
  const id = await client.upload('report.docx', newDocx())
  if (id === undefined) throw new Error('the upload broke off')
  return id
}

function newDocx(bytes = 200): Buffer {
  return makeDocx([randomBytes(bytes).toString('hex')])
}

async function keyFrom(name: NodeName, id: string): Promise<string> {
  const response = await on(name, `/api/onlyoffice/config/${id}?userId=ann`)
  const { config } = (await response.json()) as { config: { document: { key: string } } }
  return config.document.key
}

async function versions(id: string): Promise<VersionAnswer[]> {
  const response = await on('a', `/api/documents/${id}/versions`)
  return ((await response.json()) as { versions: VersionAnswer[] }).versions
}

type Save = { status: number; [field: string]: unknown }

function callback(name: NodeName, key: string, save: Save): Promise<{ status: number }> {
  return nodes.docServer.sendCallback(key, save, {
    callbackUrl: `${nodes.node(name).url}/api/onlyoffice/callback`,
  })
}

function saveOf(bytes: Buffer, fields: Save): Save {
  const url = nodes.docServer.fileUrl(bytes, 'output.docx')
  return { url, filetype: 'docx', users: ['ann'], lastsave: new Date().toISOString(), ...fields }
}

test('whoever opens a document on either node at once gets the same key', async () => {
  const id = await newDocument()
  const keys = await Promise.all(Array.from({ length: 20 }, (_, at) => keyFrom(at % 2 === 0 ? 'a' : 'b', id)))
  expect(new Set(keys).size).toBe(1)
})

test('a save that both nodes are told of at once makes one version', async () => {
  const id = await newDocument()
  const key = await keyFrom('a', id)
  const save = saveOf(newDocx(), { status: 6, forcesavetype: 1 })
  const answers = await Promise.all(
    Array.from({ length: 6 }, (_, at) => callback(at % 2 === 0 ? 'a' : 'b', key, save)),
  )
  expect(answers.map(({ status }) => status)).toEqual(Array(6).fill(200))
  expect((await versions(id)).map(({ kind }) => kind)).toEqual(['cut', 'upload'])

  const last = saveOf(newDocx(), { status: 2 })
  const ends = await Promise.all(NAMES.map((name) => callback(name, key, last)))
  expect(ends.map(({ status }) => status)).toEqual([200, 200])
  expect((await versions(id)).map(({ kind }) => kind)).toEqual(['final', 'cut', 'upload'])
  expect(await keyFrom('b', id)).not.toBe(key)
})

test('of two nodes one asks for the forced save of a session', async () => {
  const id = await newDocument()
  const editor = await nodes.docServer.open(await client.config(id))
  const metricsOf = async (name: NodeName) =>
    (await on(name, '/metrics', { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } })).text()
  const asked = async () => {
    const answers = /^docs_forcesave_answers_total\{.*\} (\d+)$/gm
    const texts = await Promise.all(NAMES.map(metricsOf))
    return texts.flatMap((text) => [...text.matchAll(answers)]).reduce((sum, [, n]) => sum + Number(n), 0)
  }
  const sessions = Number(/^docs_open_documents (\d+)$/m.exec(await metricsOf('a'))?.[1])
  const before = await asked()
  await delay(TICKED_S * 1000)
  const count = (await asked()) - before
  expect(count).toBeGreaterThanOrEqual(sessions * (TICKED_S / 4))
  // Each second at most, and a tenth earlier by chance; two nodes for themselves would ask twice as often.
  expect(count).toBeLessThanOrEqual(sessions * (TICKED_S / 0.95 + 1))
  await editor.close()
  await nodes.docServer.settled()
})

test('what is typed on one node is told on the other, and who is there', async () => {
  const id = await newDocument()
  await using ann = await joined({ url: nodes.node('a').url }, id, { token: ADMIN_TOKEN })
  await using bob = await joined({ url: nodes.node('b').url }, id, { token: ADMIN_TOKEN })
  const {
    updates: [update],
  } = typed(['from a'])
  await ann.invoke('SendUpdate', id, update)
  const [first] = await bob.heard('ReceiveUpdate')
  expect(first?.[0]).toBe(update)
  expect(textOf(await bob.invoke<string>('RequestSync', id))).toBe('from a')
  await until(() => ann.told.UserJoined.length > 0)
})

test('a page on one node is told of what the other one stores', async () => {
  const id = await newDocument()
  const viewer = await on('b', `/api/onlyoffice/viewer/${id}`)
  const html = await viewer.text()
  expect(viewer.status, html).toBe(200)
  const pageToken = /"pageToken":"([^"]+)"/.exec(html)?.[1] ?? ''
  const over = new AbortController()
  // As EventSource asks: by the page's own token alone.
  const address = `${nodes.node('b').url}/api/onlyoffice/documents/${id}/events?t=${pageToken}`
  const stream = await fetch(address, { signal: over.signal })
  expect(stream.status).toBe(200)
  let text = ''
  void (async () => {
    for await (const chunk of stream.body ?? []) text += Buffer.from(chunk).toString()
  })().catch(() => {})
  const key = await keyFrom('a', id)
  expect((await callback('a', key, saveOf(newDocx(), { status: 2 }))).status).toBe(200)
  await until(() => text.includes('event: head-changed'))
  expect(text).toContain('event: save-state')
  over.abort()
})

test('the doctor learns on either node how its file was fetched from the other', async () => {
  const tokens = createTokens(nodes.rootSecret, () => new Date(), ADMIN_TOKEN)
  const probe = (name: NodeName, part: 'file' | 'facts') =>
    fetch(
      `${nodes.node(name).url}/api/onlyoffice/probe?t=${tokens.issue('probe', { nonce: 'a look', part }, 60)}`,
    )
  expect((await probe('a', 'file')).status).toBe(200)
  await until(async () => {
    const facts = (await (await probe('b', 'facts')).json()) as { fetched?: string }
    return facts.fetched === 'unsigned'
  })
})

test('a request that is sent again to the other node is carried out once', async () => {
  const body = JSON.stringify({ title: 'Once', type: 'Docs', format: 'DOCX' })
  const json = { 'content-type': 'application/json', 'idempotency-key': randomBytes(8).toString('hex') }
  const answers = await Promise.all(
    NAMES.map((name) => on(name, '/api/documents', { method: 'POST', body, headers: json })),
  )
  const made = answers.filter(({ status }) => status === 201)
  expect(made.length, await answers[0]?.clone().text()).toBeGreaterThanOrEqual(1)
  for (const { status } of answers) expect([201, 409]).toContain(status)
  const again = await on('b', '/api/documents', { method: 'POST', body, headers: json })
  expect(again.status).toBe(201)
  const ids = await Promise.all(
    [...made, again].map(async (answer) => ((await answer.json()) as { id: string }).id),
  )
  expect(new Set(ids).size).toBe(1)
})

test('a node that is paused for three leases while it stores a save does no harm when it goes on', async () => {
  const id = await newDocument()
  const key = await keyFrom('a', id)
  const bytes = newDocx(40_000)
  const save = saveOf(bytes, { status: 6, forcesavetype: 1 })
  // Half of it within a second: the node holds the lease of the key and waits for the rest.
  nodes.docServer.faults.files({ kind: 'slow', bytesPerSecond: Math.ceil(bytes.length / 2) })
  const paused = callback('a', key, save).catch(() => ({ status: 0 }))
  await delay(1000)
  nodes.node('a').child.kill('SIGSTOP')
  const stoppedAt = performance.now()
  const taken = await callback('b', key, save)
  const tookMs = performance.now() - stoppedAt
  expect(taken.status).toBe(200)
  expect(tookMs).toBeLessThan(LEASE_S * 3000)
  await delay(Math.max(0, LEASE_S * 3000 - tookMs))
  nodes.node('a').child.kill('SIGCONT')
  // Its own end of the work does not count; what it is told is that the save is there already, or to ask again.
  expect([0, 200, 503]).toContain((await paused).status)
  expect((await versions(id)).map(({ kind }) => kind)).toEqual(['cut', 'upload'])
  expect((await auditStorage(nodes.folder)).faults).toEqual([])
  // It goes on as a node like any other.
  await until(async () => (await on('a', '/ready')).status === 200)
  expect((await callback('a', key, saveOf(newDocx(), { status: 2 }))).status).toBe(200)
  expect((await versions(id)).map(({ kind }) => kind)).toEqual(['final', 'cut', 'upload'])
})

test('rounds that one node ran go on at the other when it is paused', async () => {
  // Whichever runs them now.
  const id = await newDocument()
  const editor = await nodes.docServer.open(await client.config(id))
  nodes.node('b').child.kill('SIGSTOP')
  try {
    const key = await keyFrom('a', id)
    editor.type(0, 'Typed while a node is paused')
    await until(async () => {
      const response = await on('a', `/api/documents/${id}/versions`)
      return ((await response.json()) as { versions: VersionAnswer[] }).versions.length > 1
    }, 20_000)
    expect(await keyFrom('a', id)).toBe(key)
  } finally {
    nodes.node('b').child.kill('SIGCONT')
  }
  await until(async () => (await on('b', '/ready')).status === 200)
  await editor.close()
  await nodes.docServer.settled()
  expect((await auditStorage(nodes.folder)).faults).toEqual([])
})

test('nodes that are restarted one after the other fail no save', async () => {
  const ids = [await newDocument(), await newDocument(), await newDocument()]
  const callbackUrl = `${nodes.url}/api/onlyoffice/callback`
  const statuses: number[] = []
  let isOver = false
  const saving = ids.map(async (id) => {
    const key = await keyFrom('a', id)
    while (!isOver) {
      const save = saveOf(newDocx(), { status: 6, forcesavetype: 0 })
      statuses.push((await nodes.docServer.sendCallback(key, save, { callbackUrl })).status)
      await delay(20)
    }
  })
  for (const name of NAMES) {
    await nodes.node(name).kill('SIGTERM')
    await nodes.restart(name)
    // nginx lets a node that it found gone rest for its fail_timeout and up to a second more.
    await delay(2500)
  }
  isOver = true
  await Promise.all(saving)
  expect(statuses.length).toBeGreaterThan(50)
  expect(statuses.filter((status) => status !== 200)).toEqual([])
  expect((await auditStorage(nodes.folder)).faults).toEqual([])
})

test('failures on one node count on the other', async () => {
  const guess = (name: NodeName) => on(name, '/api/documents', { headers: { authorization: 'Bearer wrong' } })
  for (let at = 0; at < MOST_FAILURES; at += 1) expect((await guess('a')).status).toBe(401)
  await until(async () => (await guess('b')).status === 429)
})
