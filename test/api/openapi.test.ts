import { afterAll, describe, expect, test } from 'vitest'
import { METHODS } from '../../src/api/operation.ts'
import { createRepeats } from '../../src/api/repeats.ts'
import { operationsOf } from '../../src/api/router.ts'
import { createTokens } from '../../src/core/tokens.ts'
import { createAuthentication } from '../../src/http/authentication.ts'
import { createCsrf } from '../../src/http/csrf.ts'
import { createLimits } from '../../src/http/limits.ts'
import { ADMIN_TOKEN } from '../support/app.ts'
import { startBoth } from '../support/both.ts'
import { answerOf, checkAnswer, misfit, type OpenApi, operationAt, referredTo } from '../support/openapi.ts'

const both = await startBoth()
afterAll(() => both[Symbol.asyncDispose]())
const { app } = both
const description = await fetch(`${app.url}/api/openapi.json`)
const api = (await description.json()) as OpenApi

const OPERATIONS = Object.entries(api.paths ?? {}).flatMap(([path, item]) =>
  METHODS.flatMap((method) => {
    const described = item[method]
    return described === undefined ? [] : [{ method, path, described }]
  }),
)

/** All objects of the document, with the way to each. */
function* parts(value: unknown, way = ''): Generator<[string, Record<string, unknown>]> {
  if (typeof value !== 'object' || value === null) return
  if (!Array.isArray(value)) yield [way, value as Record<string, unknown>]
  for (const [name, part] of Object.entries(value)) yield* parts(part, `${way}/${name}`)
}

test('the description is there for everybody, as JSON that a cache may keep', async () => {
  const response = await fetch(`${app.url}/api/openapi.json`)
  expect([response.status, response.headers.get('content-type')]).toEqual([
    200,
    'application/json; charset=utf-8',
  ])
  expect(response.headers.get('cache-control')).toContain('max-age=')
  const etag = response.headers.get('etag') ?? ''
  const again = await fetch(`${app.url}/api/openapi.json`, {
    headers: { 'if-none-match': etag, 'cache-control': 'max-age=0' },
  })
  expect([again.status, await again.text()]).toEqual([304, ''])
  expect(api.openapi).toBe('3.1.1')
  expect(api.servers).toEqual([{ url: `http://localhost:${new URL(app.url).port}/api` }])
})

test('every operation that is served is described, and nothing else', () => {
  const tokens = createTokens('tests-root-secret-0123456789-0123456789', app.deps.clock, ADMIN_TOKEN)
  const served = operationsOf({
    deps: app.deps,
    tokens,
    authentication: createAuthentication(app.deps, tokens, ADMIN_TOKEN),
    csrf: createCsrf('tests-root-secret', app.url),
    limits: createLimits(app.deps.config),
    repeats: createRepeats(app.deps, 'tests-root-secret'),
    publicUrl: app.url,
    internalUrl: app.url,
  }).flatMap(({ method, paths }) => paths.map((path) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`))
  const described = OPERATIONS.filter(({ path }) => !path.startsWith('/onlyoffice/'))
  expect(described.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(served.sort())
})

test('every path answers OPTIONS with the methods that are described', async () => {
  for (const [path, item] of Object.entries(api.paths ?? {})) {
    if (path.startsWith('/onlyoffice/')) continue
    const response = await app.fetch(`/api${path.replace(/\{\w+\}/g, 'x')}`, { method: 'OPTIONS' })
    const allowed = response.headers
      .get('allow')
      ?.split(', ')
      .filter((method) => method !== 'HEAD')
    const described = METHODS.filter((method) => item[method] !== undefined)
    expect([path, allowed?.sort()]).toEqual([path, described.map((method) => method.toUpperCase()).sort()])
  }
})

describe('the document keeps the rules of OpenAPI 3.1', () => {
  test('every reference names something', () => {
    const references = [...parts(api)].flatMap(([, { $ref }]) => (typeof $ref === 'string' ? [$ref] : []))
    expect(references.length).toBeGreaterThan(100)
    for (const reference of references) expect(referredTo(api, reference)).toBeDefined()
  })

  test('the parameters of each path are declared, required and no others', () => {
    for (const { method, path, described } of OPERATIONS) {
      const declared = (described.parameters ?? [])
        .map((one) => ('$ref' in one ? referredTo(api, String(one.$ref)) : one))
        .map((one) => one as { in: string; name: string; required?: boolean })
      const names = declared.map((one) => `${one.in} ${one.name}`)
      expect([method, path, new Set(names).size]).toEqual([method, path, names.length])
      const inPath = declared.filter((one) => one.in === 'path')
      expect(inPath.every(({ required }) => required === true)).toBe(true)
      const wanted = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
      expect([path, inPath.map(({ name }) => name).sort()]).toEqual([path, wanted.sort()])
    }
  })

  test('operations have ids of their own, a known tag and a summary; GET and DELETE take no body', () => {
    const ids = OPERATIONS.map(({ described }) => described.operationId)
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids).toContain('getDocumentsByDocumentIdVersions')
    const tags = api.tags?.map(({ name }) => name)
    for (const { method, described } of OPERATIONS) {
      expect(tags).toContain(described.tags?.[0])
      expect(described.summary).toMatch(/./)
      expect(method === 'get' || method === 'delete' ? described.requestBody : undefined).toBeUndefined()
    }
  })

  test('every answer has a description, and names of components keep to their characters', () => {
    for (const { path, described } of OPERATIONS) {
      const statuses = Object.keys(described.responses ?? {})
      expect([path, statuses.some((status) => /^2\d\d$/.test(status))]).toEqual([path, true])
      for (const status of statuses) {
        expect(answerOf(api, described, Number(status))).toHaveProperty('description', expect.any(String))
      }
    }
    const names = Object.values(api.components ?? {}).flatMap((group) => Object.keys(group))
    expect(names.filter((name) => !/^[\w.-]+$/.test(name))).toEqual([])
  })

  test('every schema is one of JSON Schema 2020-12', () => {
    const schemas = [...parts(api.paths), ...parts(api.components)].flatMap(([, { schema }]) =>
      typeof schema === 'object' && schema !== null ? [schema] : [],
    )
    expect(schemas.length).toBeGreaterThan(100)
    for (const schema of schemas) expect(() => misfit(api, schema, null)).not.toThrow()
  })
})

test('metadata in a query is written metadata[name]=value', () => {
  for (const [method, path] of [
    ['GET', '/documents'],
    ['POST', '/documents/upload'],
  ] as const) {
    expect(operationAt(api, method, path)?.parameters).toContainEqual(
      expect.objectContaining({ name: 'metadata', in: 'query', style: 'deepObject', explode: true }),
    )
  }
})

describe('the tests notice an answer that is not described', () => {
  const token = { token: 'x', expiresAt: '2026-01-15T10:30:00Z' }
  const headers = { 'x-request-id': '1' }
  const wrong = {
    'the content type application/json is not described': Response.json(
      {},
      { status: 401, headers: { ...headers, 'www-authenticate': 'Bearer' } },
    ),
    'the header X-Request-Id is missing': Response.json(token),
    'must NOT have additional properties': Response.json({ ...token, more: 1 }, { headers }),
    'must have required property': Response.json({ token: 'x' }, { headers }),
    'must match format "date-time"': Response.json({ ...token, expiresAt: 'soon' }, { headers }),
    'are described': Response.json(token, { status: 201, headers }),
    'must be equal to one of the allowed values': new Response(
      JSON.stringify({ type: 'urn:x:y', title: 'x', status: 401, code: 'token-missing', traceId: '1' }),
      {
        status: 401,
        headers: { ...headers, 'content-type': 'application/problem+json', 'www-authenticate': 'Bearer' },
      },
    ),
  }
  const url = new URL('/api/auth/token', app.url)

  test('one that is described passes', async () => {
    await checkAnswer('POST', url, Response.json(token, { headers }))
  })

  test.each(Object.entries(wrong))('%s', async (fault, response) => {
    await expect(checkAnswer('POST', url, response)).rejects.toThrow(fault)
  })
})

describe('the ONLYOFFICE endpoints are as described', () => {
  const statusAsDescribed = async (path: string, template: string, as: string | null = app.token) => {
    const response = await app.fetch(`/api${path}`, { as })
    const described = operationAt(api, 'GET', template)
    const answer = described && answerOf(api, described, response.status)
    const schema = answer?.content?.['application/json']?.schema
    expect([path, response.status, schema]).toEqual([path, expect.any(Number), expect.any(Object)])
    expect(misfit(api, schema ?? {}, await response.json())).toBeUndefined()
    return response.status
  }

  test('formats and status', async () => {
    expect(await statusAsDescribed('/onlyoffice/formats', '/onlyoffice/formats', null)).toBe(200)
    expect(await statusAsDescribed('/onlyoffice/status', '/onlyoffice/status')).toBe(200)
    expect(await statusAsDescribed('/onlyoffice/status', '/onlyoffice/status', ADMIN_TOKEN)).toBe(200)
    expect(await statusAsDescribed('/onlyoffice/status', '/onlyoffice/status', null)).toBe(401)
  })

  test('the config takes every value that is listed, and no others', async () => {
    const config = (id: string, query: string) =>
      statusAsDescribed(`/onlyoffice/config/${id}${query}`, '/onlyoffice/config/x')
    const parameters = operationAt(api, 'GET', '/onlyoffice/config/x')?.parameters as {
      name: string
      schema: { enum?: string[] }
    }[]
    const listed = parameters.filter(({ schema }) => schema.enum !== undefined)
    expect(listed.map(({ name }) => name)).toEqual(['mode', 'type', 'coEditing'])
    for (const { name, schema } of listed) {
      for (const value of schema.enum ?? []) expect(await config(both.id, `?${name}=${value}`)).toBe(200)
      expect(await config(both.id, `?${name}=other`)).toBe(400)
    }
    expect(await config('unknown', '')).toBe(404)
  })
})
