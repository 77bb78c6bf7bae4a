import { afterAll, describe, expect, test } from 'vitest'
import { ADMIN_TOKEN, startApp } from '../support/app.ts'
import {
  type Given,
  goodValues,
  imaginaryWorld,
  PATHS,
  type Path,
  requestOf,
} from '../support/endpoint-calls.ts'

const app = await startApp()
afterAll(() => app[Symbol.asyncDispose]())

/** What is not valid is refused before anything is looked for. */
const nowhere = imaginaryWorld()

type Problem = { code: string; errors?: Record<string, string[]> }

async function send(one: Path, given: Given) {
  const { path, init } = requestOf(one, given)
  const as = one.call.needs === 'administrator' ? ADMIN_TOKEN : app.token
  const response = await app.fetch(path, { ...init, as })
  return {
    status: response.status,
    type: response.headers.get('content-type') ?? '',
    json: (response.headers.get('content-type')?.includes('json') ? await response.json() : {}) as Problem,
  }
}

/** The fields that an answer finds fault with; `user.name` is one of `user`. */
const named = ({ json }: { json: Problem }) => [
  ...new Set(Object.keys(json.errors ?? {}).map((path) => path.split('.')[0])),
]

const FIELDS = PATHS.flatMap((one) =>
  (['params', 'query', 'body'] as const).flatMap((place) =>
    Object.entries(one.call[place] ?? {}).map(([field, { bad, isRequired }]) => ({
      one,
      place,
      field,
      bad,
      isRequired,
      title: `${one.method} ${one.path}: ${field} of the ${place}`,
    })),
  ),
)

function given(one: Path, change: (values: Given) => void): Given {
  const values = goodValues(one.call, nowhere)
  change(values)
  return values
}

test.each(FIELDS)('$title is refused when it is not valid', async ({ one, place, field, bad }) => {
  for (const value of bad) {
    const answer = await send(
      one,
      given(one, (values) => {
        values[place][field] = value
      }),
    )
    const what = JSON.stringify(value)?.slice(0, 60)
    expect([what, answer.status, answer.json.code, named(answer)]).toEqual([
      what,
      400,
      'validation-failed',
      [field],
    ])
    expect(answer.type).toMatch(/^application\/problem\+json/)
  }
})

test.each(FIELDS.filter(({ isRequired, place }) => isRequired && place === 'body'))(
  '$title must be there',
  async ({ one, field }) => {
    const answer = await send(
      one,
      given(one, ({ body }) => {
        delete body[field]
      }),
    )
    expect([answer.status, answer.json.code, named(answer)]).toEqual([400, 'validation-failed', [field]])
  },
)

test.each(FIELDS.filter(({ place }) => place === 'query'))(
  '$title is refused when it is given twice',
  async ({ one, field }) => {
    const good = goodValues(one.call, nowhere).query[field] ?? 'x'
    const twice = typeof good === 'object' ? { color: 'red', 'color]&x[': 'x' } : [good, good]
    if (typeof good === 'object') {
      const { path, init } = requestOf(one, goodValues(one.call, nowhere))
      const answer = await app.fetch(`${path}&metadata[color]=blue`, init)
      expect([answer.status, named({ json: (await answer.json()) as Problem })]).toEqual([400, [field]])
      return
    }
    const answer = await send(
      one,
      given(one, ({ query }) => {
        query[field] = twice
      }),
    )
    expect([answer.status, named(answer)]).toEqual([400, [field]])
  },
)

/** Those that are told by the use-case, once all else is valid. */
const LATE = new Set(['cursor'])

describe.each(PATHS.filter(({ call }) => call.params ?? call.query ?? call.body))('$method $path', (one) => {
  test('names all that is not valid at once', async () => {
    const expected: string[] = []
    const values = given(one, (all) => {
      for (const place of ['params', 'query', 'body'] as const) {
        for (const [field, { bad }] of Object.entries(one.call[place] ?? {})) {
          if (LATE.has(field)) continue
          all[place][field] = bad[0]
          expected.push(field)
        }
      }
    })
    const answer = await send(one, values)
    expect([answer.status, answer.json.code]).toEqual([400, 'validation-failed'])
    expect(named(answer).sort()).toEqual([...new Set(expected)].sort())
    for (const messages of Object.values(answer.json.errors ?? {})) {
      expect(messages).toEqual([expect.any(String), ...messages.slice(1)])
    }
  })
})

test.each(PATHS.filter(({ call }) => call.body !== undefined))(
  '$method $path refuses a body of another type than JSON',
  async (one) => {
    const { path, init } = requestOf(one, goodValues(one.call, nowhere))
    const as = one.call.needs === 'administrator' ? ADMIN_TOKEN : app.token
    for (const type of ['text/plain', 'application/xml', 'multipart/form-data; boundary=x']) {
      const response = await app.fetch(path, { ...init, as, headers: { 'content-type': type } })
      const { code } = (await response.json()) as Problem
      expect([type, response.status, code]).toEqual([type, 415, 'media-type-unsupported'])
    }
  },
)

test('of very many faults the first hundred are named', async () => {
  const wrong = Array(50).fill(1)
  const response = await app.fetch('/api/embed', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      documentId: nowhere.documentId,
      permissions: ['view'],
      options: { groups: { review: wrong, userInfo: wrong, comment: { view: wrong } } },
    }),
  })
  const { code, errors = {} } = (await response.json()) as Problem
  expect([response.status, code, Object.keys(errors).length]).toEqual([400, 'validation-failed', 100])
})

test.each([
  [
    'a format that no document can be made in',
    { title: 'A', type: 'Docs', format: 'DOC' },
    'format-not-of-type',
  ],
  ['a format of another type', { title: 'A', type: 'Sheet', format: 'DOCX' }, 'format-not-of-type'],
  [
    'the name of a member that all objects have',
    { title: 'A', type: 'Docs', format: 'constructor' },
    'format-not-of-type',
  ],
])('%s is refused with a code of its own', async (_name, body, code) => {
  const response = await app.fetch('/api/documents', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  expect([response.status, ((await response.json()) as Problem).code]).toEqual([400, code])
})
