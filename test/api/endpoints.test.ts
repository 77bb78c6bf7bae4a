import { afterAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { Api } from '../../src/api/api.ts'
import type { Operation } from '../../src/api/operation.ts'
import { createRepeats } from '../../src/api/repeats.ts'
import { operationsOf } from '../../src/api/router.ts'
import { createApiKey } from '../../src/core/api-keys.ts'
import { PERMISSIONS } from '../../src/core/callers.ts'
import { newKey } from '../../src/core/keys.ts'
import { createTokens } from '../../src/core/tokens.ts'
import { startEmulator } from '../../src/emulator/start.ts'
import { createAuthentication } from '../../src/http/authentication.ts'
import { createCsrf } from '../../src/http/csrf.ts'
import { createLimits } from '../../src/http/limits.ts'
import { bearerWith, QUICK } from '../docserver/support.ts'
import { startFileManager } from '../remote/file-manager.ts'
import { ADMIN_TOKEN, SECRET, startApp } from '../support/app.ts'
import { DOCX, GIVES } from '../support/endpoint-answers.ts'
import {
  CALLS,
  type Given,
  goodValues,
  imaginaryWorld,
  PATHS,
  type Path,
  requestOf,
} from '../support/endpoint-calls.ts'
import type { EndpointCall, Fields, World } from '../support/endpoint-fields.ts'
import { insertSubmission } from '../support/submissions.ts'
import { insertThumbnail } from '../support/thumbnails.ts'

const manager = await startFileManager()
afterAll(() => manager[Symbol.asyncDispose]())
const docServer = await startEmulator({ secret: SECRET, timings: QUICK })
afterAll(() => docServer.close())
const app = await startApp({
  docServer,
  env: { FILE_ORIGINS: manager.origin, WEBHOOK_ALLOWED_HOSTS: '127.0.0.1' },
})
afterAll(() => app[Symbol.asyncDispose]())

const tokens = createTokens('tests-root-secret-0123456789-0123456789', app.deps.clock, ADMIN_TOKEN)
/** Nothing of it is used before a request comes. */
const api: Api = {
  deps: app.deps,
  tokens,
  authentication: createAuthentication(app.deps, tokens, ADMIN_TOKEN),
  csrf: createCsrf('tests-root-secret', app.url),
  limits: createLimits(app.deps.config),
  repeats: createRepeats(app.deps, 'tests-root-secret'),
  publicUrl: app.url,
  internalUrl: app.url,
}
const OPERATIONS = new Map(
  operationsOf(api).map((one) => [`${one.method.toUpperCase()} ${one.paths[0]}`, one]),
)

function operationOf(name: string): Operation {
  const one = OPERATIONS.get(name)
  if (one === undefined) throw new Error(`no operation ${name}`)
  return one
}

async function ask(path: string, init: RequestInit & { as?: string } = {}) {
  const response = await app.fetch(path, init)
  const bytes = Buffer.from(await response.arrayBuffer())
  const isJson = /json$|json;/.test(response.headers.get('content-type') ?? '')
  const json: unknown =
    isJson && !response.headers.has('content-disposition') ? JSON.parse(`${bytes}`) : undefined
  return { status: response.status, headers: response.headers, bytes, json }
}

const Made = z.object({ id: z.string() })
const post = async (path: string, as: string, body: object = {}) =>
  (
    await ask(path, {
      as,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  ).json

/** A document of two versions, one in the trash, a webhook that was told of something, an embed, a link, a key, a form, a person. */
async function makeWorld(as: string): Promise<World> {
  const form = new FormData()
  form.append('file', new Blob([new Uint8Array(DOCX)]), 'report.docx')
  const { id: documentId } = Made.parse(
    (await ask('/api/documents/upload', { as, method: 'POST', body: form })).json,
  )
  await insertThumbnail(app.deps, DOCX, 'docx')
  const { versions } = z
    .object({ versions: z.tuple([Made]) })
    .parse((await ask(`/api/documents/${documentId}/versions`, { as })).json)
  const versionId = versions[0].id
  const hook = { url: 'http://127.0.0.1:9/hook', events: ['document.restored'] }
  const { id: webhookId } = Made.parse(await post('/api/webhooks', as, hook))
  await post(`/api/documents/${documentId}/versions/${versionId}/restore`, as)
  const { deliveries } = z
    .object({ deliveries: z.tuple([Made]) })
    .parse((await ask(`/api/webhooks/${webhookId}/deliveries`, { as })).json)
  const trashed = Made.parse(
    await post('/api/documents', as, { title: 'trashed', type: 'Docs', format: 'TXT' }),
  )
  await ask(`/api/documents/${trashed.id}`, { as, method: 'DELETE' })
  const fileUrl = `${manager.origin}/report.docx`
  manager.files.set('/report.docx', DOCX)
  const linked = await post('/api/links', as, {
    url: fileUrl,
    name: 'report.docx',
    key: 'linked-1',
    user: { id: 'ann', name: 'Ann' },
  })
  const { id: linkId } = Made.parse(
    await post(`/api/documents/${documentId}/links`, as, { grants: ['view'] }),
  )
  const embed = await post('/api/embed', as, { documentId, permissions: ['view'] })
  const { clientId } = z.object({ clientId: z.string() }).parse((await ask('/api/auth/me', { as })).json)
  const { workspace_id: workspaceId } = await app.deps.database
    .selectFrom('api_keys')
    .select('workspace_id')
    .where('id', '=', clientId)
    .executeTakeFirstOrThrow()
  const key = await createApiKey(app.deps, { name: 'Other', permissions: [...PERMISSIONS], workspaceId })
  const personId = crypto.randomUUID()
  await app.fetch(`/api/users/${personId}`, {
    as,
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: '{"name":"Person"}',
  })
  const opened = Made.parse(
    await post('/api/documents', as, { title: 'opened', type: 'Docs', format: 'TXT' }),
  )
  const { config } = z
    .object({ config: z.object({ document: z.object({ key: z.string() }) }) })
    .parse((await ask(`/api/onlyoffice/config/${opened.id}`, { as })).json)
  const forgottenKey = newKey(app.deps.keyPrefix)
  docServer.forgotten.set(forgottenKey, { bytes: DOCX, fileType: 'docx', storedAt: new Date() })
  return {
    sessionKey: config.document.key,
    forgottenKey,
    documentId,
    versionId,
    trashedId: trashed.id,
    webhookId,
    fileUrl,
    linkedId: z.object({ documentId: z.string() }).parse(linked).documentId,
    linkId,
    deliveryId: deliveries[0].id,
    embedToken: z.object({ token: z.string() }).parse(embed).token,
    submissionId: await insertSubmission(app.deps, documentId, DOCX),
    personId,
    workspaceId,
    clientId,
    keyId: key.id,
    apiKey: key.apiKey,
    secret: key.secret,
  }
}

const newClient = () => bearerWith(app, [...PERMISSIONS], { elsewhere: true })
/** For what changes nothing of it. */
const bearer = await newClient()
const shared = await makeWorld(bearer)
const foreign = await makeWorld(await newClient())

test('each operation of the API is in the table, with all of its paths and fields', () => {
  const fieldsOf = (schema: z.ZodType | undefined) =>
    schema instanceof z.ZodObject ? Object.keys(schema.shape).sort() : []
  const served = Object.fromEntries(
    [...OPERATIONS].map(([name, { paths, params, query, body }]) => [
      name,
      { paths, params: fieldsOf(params), query: fieldsOf(query), body: fieldsOf(body) },
    ]),
  )
  const namesOf = (fields: Fields = {}) => Object.keys(fields).sort()
  const tested = Object.fromEntries(
    Object.entries(CALLS).map(([name, { aliases = [], params, query, body }]) => [
      name,
      {
        paths: [name.split(' ')[1], ...aliases],
        params: namesOf(params),
        query: namesOf(query),
        body: namesOf(body),
      },
    ]),
  )
  expect(tested).toEqual(served)
})

const bearerFor = ({ needs }: EndpointCall, as: string) => (needs === 'administrator' ? ADMIN_TOKEN : as)

function demandDocumented(name: string, { bytes, json }: Awaited<ReturnType<typeof ask>>) {
  const { answer } = operationOf(name)
  if ('json' in answer) expect(json).toEqual(answer.json.parse(json))
  else expect(bytes.length > 0).toBe('bytes' in answer)
}

describe.each(PATHS)('$method $path', ({ name, method, path, call }) => {
  const one: Path = { name, method, path, call }
  const isRepeatable = operationOf(name).isRepeatable === true
  const send = async (given: Given, as: string, headers: Record<string, string> = {}) => {
    const { path, init } = requestOf(one, given)
    return ask(path, { ...init, as: bearerFor(call, as), headers: { ...init.headers, ...headers } })
  }

  test('answers as documented, with all fields and with those alone that must be there', async () => {
    const as = method === 'GET' ? bearer : await newClient()
    const world = method === 'GET' ? shared : await makeWorld(as)
    const full = await send(goodValues(call, world), as)
    expect(full.status).toBe(call.status)
    expect(operationOf(name).answer.status).toBe(call.status)
    demandDocumented(name, full)
    if (full.json !== undefined) expect(full.json).toMatchObject(GIVES[name]?.(world) ?? {})
    if (full.headers.has('content-disposition') && full.headers.has('etag')) expect(full.bytes).toEqual(DOCX)

    const isChanging = method === 'DELETE' || /(undelete|revoke|forgotten.*keep)$/.test(name)
    const least = goodValues(call, isChanging ? await makeWorld(as) : world, { isLeast: true })
    const short = await send(least, as)
    // An update changes at least one thing.
    if (name.endsWith(' /documents/:documentId') && 'title' in (call.body ?? {})) {
      expect(short.status).toBe(400)
      return
    }
    expect(short.status).toBe(call.status)
    demandDocumented(name, short)
  })

  const permission = PERMISSIONS.find((one) => one === call.needs)
  // A webhook, an embed and a linked file are their own key's alone.
  if (permission !== undefined && !/webhooks|revoke|^\/links\/:/.test(path))
    test('needs no permission but the one', async () => {
      const world = method === 'GET' ? shared : await makeWorld(await newClient())
      const { workspaceId } = world
      const key = await createApiKey(app.deps, { name: 'One', permissions: [permission], workspaceId })
      const as = z.object({ token: z.string() }).parse(await post('/api/auth/token', bearer, key)).token
      expect((await send(goodValues(call, world), as)).status).toBe(call.status)
    })

  if (isRepeatable)
    test('sent again with its Idempotency-Key it answers the same', async () => {
      const given = goodValues(call, shared)
      const key = { 'idempotency-key': crypto.randomUUID() }
      const [first, again] = [await send(given, bearer, key), await send(given, bearer, key)]
      expect([again.status, again.json]).toEqual([call.status, first.json])
      expect(again.headers.get('idempotent-replayed')).toBe('true')
      const bad = await send(given, bearer, { 'idempotency-key': 'x'.repeat(256) })
      expect([bad.status, bad.json]).toEqual([
        400,
        expect.objectContaining({ code: 'idempotency-key-invalid' }),
      ])
    })

  if (operationOf(name).isConditional)
    test('with an If-Match of another state it is refused', async () => {
      const { status, json } = await send(goodValues(call, shared), bearer, { 'if-match': '"other"' })
      expect([status, json]).toEqual([412, expect.objectContaining({ code: 'precondition-failed' })])
    })

  const places = ['params', 'query', 'body'] as const
  const ids = places.flatMap((place) =>
    Object.entries(call[place] ?? {}).flatMap(([field, { absent, good }]) =>
      absent === undefined ? [] : [{ place, field, absent, good }],
    ),
  )
  test.each(ids)(
    '$field of another workspace answers like one that does not exist',
    async ({ place, field, absent, good }) => {
      const own = goodValues(call, shared)
      const withOther = (value: unknown): Given => ({ ...own, [place]: { ...own[place], [field]: value } })
      const comparable = ({ status, json }: Awaited<ReturnType<typeof ask>>) => ({
        status,
        json: { ...Object(json), traceId: '' },
      })

      const missing = await send(withOther(crypto.randomUUID()), bearer)
      expect(missing.status).toBe(absent)
      if (call.needs === 'administrator' || field === 'templateId') return
      const theirs = await send(withOther(good(foreign)), bearer)
      expect(comparable(theirs)).toEqual(comparable(missing))
      if (absent === 404) expect(theirs.json).toMatchObject({ code: expect.stringMatching(/-not-found$/) })
      // Nothing of theirs has changed.
      expect((await ask(`/api/documents/${foreign.documentId}`, { as: ADMIN_TOKEN })).status).toBe(200)
      expect((await ask(`/api/webhooks/${foreign.webhookId}`, { as: ADMIN_TOKEN })).status).toBe(200)
    },
  )
})

test('a path that is not served answers 404 with a code', async () => {
  for (const path of [
    '/api/nothing',
    '/api/documents/a/b/c',
    '/api/',
    `/api/auth/${imaginaryWorld().keyId}`,
  ]) {
    const { status, json } = await ask(path)
    expect([path, status, json]).toEqual([path, 404, expect.objectContaining({ code: 'route-not-found' })])
  }
})
