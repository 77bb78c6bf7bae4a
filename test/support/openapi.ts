import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { z } from 'zod'
import type { createDocument } from 'zod-openapi'

export type OpenApi = ReturnType<typeof createDocument>
type Described = NonNullable<NonNullable<OpenApi['paths']>[string]['get']>
type Answer = { headers?: Record<string, unknown>; content?: Record<string, { schema?: object }> }

/** What is not described, or only in words. */
const EXEMPT = /^\/(onlyoffice|docs)(\/|$)|^\/openapi\.json$/
const PROBLEM = { $ref: '#/components/schemas/Problem' }

const ajv = new Ajv2020({ strict: false, allErrors: true, allowUnionTypes: true })
ajv.addFormat('date-time', (given) => z.iso.datetime({ offset: true }).safeParse(given).success)
ajv.addFormat('date', (given) => z.iso.date().safeParse(given).success)
ajv.addFormat('uuid', (given) => z.guid().safeParse(given).success)
ajv.addFormat('uri', (given) => URL.canParse(given))
ajv.addFormat('email', (given) => z.email().safeParse(given).success)
ajv.addFormat('binary', true)
const validators = new Map<object, ValidateFunction>()

let known: Promise<OpenApi> | undefined

/** The description that a service gives of itself; that of the first one is taken for all. */
export function descriptionBy(baseUrl: string): Promise<OpenApi> {
  known ??= fetch(`${baseUrl}/api/openapi.json`).then((response) => response.json() as Promise<OpenApi>)
  known.catch(() => {
    known = undefined
  })
  return known
}

/** `fetch`, but an answer of the API that is not as described is an error of the test. */
export async function checkedFetch(url: string | URL, init: RequestInit = {}): Promise<Response> {
  const response = await fetch(url, init)
  await checkAnswer(init.method ?? 'GET', new URL(url), response)
  return response
}

/** @throws Error naming what differs */
export async function checkAnswer(method: string, url: URL, response: Response): Promise<void> {
  const [, base, path] = /^(.*?)\/api(\/.*)$/.exec(url.pathname) ?? []
  if (path === undefined || EXEMPT.test(path) || method === 'OPTIONS') return
  const api = await descriptionBy(`${url.origin}${base}`)
  const fault = await faultOf(api, method, path, response)
  if (fault !== undefined) {
    throw new Error(`${method} ${path} answered ${response.status} not as /api/openapi.json says: ${fault}`)
  }
}

async function faultOf(api: OpenApi, method: string, path: string, response: Response) {
  const described = operationAt(api, method, path)
  if (described === undefined)
    return method === 'HEAD' ? undefined : misfit(api, PROBLEM, await response.clone().json())
  const answer = answerOf(api, described, response.status)
  if (answer === undefined) {
    return `only ${Object.keys(described.responses ?? {}).join(', ')} are described; ${await response.clone().text()}`
  }
  const missing = missingHeader(api, answer, response)
  if (missing !== undefined) return `the header ${missing} is missing`
  const type = response.headers.get('content-type')?.replace(/;.*/, '')
  const content = answer.content ?? {}
  const schema = (content[type ?? ''] ?? content['*/*'])?.schema
  if (type === undefined) return answer.content === undefined ? undefined : 'the content type is missing'
  if (schema === undefined) return `the content type ${type} is not described`
  // A file may be endless to this test.
  if (method === 'HEAD' || !type.endsWith('json') || isBytes(schema)) return undefined
  return misfit(api, schema, await response.clone().json())
}

/** A path without a parameter comes first. Source: OpenAPI 3.1, Path Templating Matching. */
export function operationAt(api: OpenApi, method: string, path: string): Described | undefined {
  const asked = path.replace(/\/+$/, '').split('/')
  const fitting = Object.entries(api.paths ?? {})
    .filter(([template]) => fits(template.split('/'), asked))
    .sort(([one], [other]) => one.split('{').length - other.split('{').length)
  const item = fitting[0]?.[1] as Record<string, Described | undefined> | undefined
  return item?.[method === 'HEAD' ? 'get' : method.toLowerCase()]
}

function fits(template: string[], asked: string[]): boolean {
  if (template.length !== asked.length) return false
  return template.every((part, index) => part.startsWith('{') || part === asked[index])
}

/** One answer of an operation, wherever it is written down. */
export function answerOf(api: OpenApi, described: Described, status: number): Answer | undefined {
  const written = described.responses?.[status] as (Answer & { $ref?: string }) | undefined
  return written?.$ref === undefined ? written : (referredTo(api, written.$ref) as Answer)
}

/** What a `$ref` names. @throws Error when it names nothing */
export function referredTo(api: OpenApi, reference: string): unknown {
  let found: unknown = api
  for (const part of reference.replace(/^#\//, '').split('/')) {
    found = (found as Record<string, unknown> | undefined)?.[part.replaceAll('~1', '/').replaceAll('~0', '~')]
  }
  if (found === undefined) throw new Error(`${reference} names nothing`)
  return found
}

function missingHeader(api: OpenApi, { headers = {} }: Answer, response: Response): string | undefined {
  return Object.entries(headers).find(([name, written]) => {
    const { $ref } = written as { $ref: string }
    const { required } = referredTo(api, $ref) as { required?: boolean }
    return required === true && !response.headers.has(name)
  })?.[0]
}

function isBytes(schema: object): boolean {
  return 'format' in schema && schema.format === 'binary'
}

/** What is wrong with a value; undefined when it is as the schema says. */
export function misfit(api: OpenApi, schema: object, value: unknown): string | undefined {
  const validate = validators.get(schema) ?? ajv.compile({ ...schema, components: api.components })
  validators.set(schema, validate)
  return validate(value) ? undefined : `${ajv.errorsText(validate.errors)} in ${JSON.stringify(value)}`
}
