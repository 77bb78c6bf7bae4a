import type { ZodOpenApiHeadersObject, ZodOpenApiResponseObject, ZodOpenApiSchemaObject } from 'zod-openapi'
import { Problem, type ProblemCode } from '../errors.ts'
import type { Operation } from './operation.ts'

type Code = ProblemCode | 'internal'

export const PROBLEM_TYPE = 'application/problem+json'

/** What every problem looks like. Source: RFC 9457 §3. */
export const PROBLEM_SCHEMA: ZodOpenApiSchemaObject = {
  type: 'object',
  properties: {
    type: { type: 'string', format: 'uri', description: '`urn:docs-connector:problem:` and the code' },
    title: { type: 'string', description: 'The same for every problem of the code' },
    status: { type: 'integer', description: 'The HTTP status' },
    code: { type: 'string', description: 'Stable: what a program looks at' },
    detail: { type: 'string', description: 'What happened this time, for people' },
    errors: {
      type: 'object',
      description: 'What is wrong with which field',
      additionalProperties: { type: 'array', items: { type: 'string' } },
    },
    isValid: { const: false, description: 'Of a token that was to be validated' },
    traceId: { type: 'string', description: 'The `X-Request-Id`, named in the log of the service' },
  },
  required: ['type', 'title', 'status', 'code', 'traceId'],
  additionalProperties: false,
}

/** By HTTP status, what an operation may answer beside its own answer. */
export function problemsOf(one: Operation): Map<number, Code[]> {
  const byStatus = Map.groupBy(codesOf(one), (code) => statusOf(code))
  return new Map([...byStatus].sort(([one], [other]) => one - other))
}

/** A response of several codes, all of one status. */
export function problemResponse(codes: Code[], headers: ZodOpenApiHeadersObject): ZodOpenApiResponseObject {
  const lines = codes.map((code) => `- \`${code}\`: ${titleOf(code)}`)
  return {
    description: lines.join('\n'),
    headers,
    content: {
      [PROBLEM_TYPE]: {
        schema: {
          allOf: [
            { $ref: '#/components/schemas/Problem' },
            { properties: { status: { const: statusOf(codes[0]) }, code: { enum: codes } } },
          ],
        },
      },
    },
  }
}

/** Those of its description, and those that come with what it takes and whom it lets in. */
function codesOf(one: Operation): Code[] {
  const isValidated = [one.params, one.query, one.body].some((schema) => schema !== undefined)
  const isProtected = one.access !== 'open'
  const isForAdministrator = one.access === 'administrator' || one.access === 'setup'
  const hasBody = one.method !== 'get'
  const codes: (Code | false)[] = [
    isValidated && 'validation-failed',
    // A path with broken percent-encoding counts as well.
    (hasBody || one.params !== undefined) && 'malformed-body',
    hasBody && 'body-too-large',
    hasBody && 'media-type-unsupported',
    isProtected && 'token-missing',
    isProtected && 'token-invalid',
    // By the administrator's cookie, from no page of ours.
    isProtected && hasBody && 'origin-refused',
    isProtected && 'workspace-not-found',
    one.permission !== undefined && 'permission-missing',
    isForAdministrator && 'administrator-only',
    one.isConditional === true && 'precondition-failed',
    one.isRepeatable === true && 'idempotency-key-invalid',
    one.isRepeatable === true && 'idempotency-key-in-use',
    one.isRepeatable === true && 'idempotency-key-reused',
    'bytes' in one.answer && 'blob-missing',
    ...(one.problems ?? []),
    'too-many-requests',
    'internal',
  ]
  return [...new Set(codes.filter((code) => code !== false))]
}

function statusOf(code: Code | undefined): number {
  return code === undefined || code === 'internal' ? 500 : new Problem(code).status
}

function titleOf(code: Code): string {
  return code === 'internal' ? 'Something went wrong on our side' : new Problem(code).title
}
