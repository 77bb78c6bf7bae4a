import type { ZodOpenApiResponseObject, ZodOpenApiResponsesObject } from 'zod-openapi'
import { problemResponse, problemsOf } from './openapi-problems.ts'
import type { Operation } from './operation.ts'

const text = { type: 'string' } as const
const seconds = { type: 'integer', minimum: 1 } as const

export const HEADERS = {
  RequestId: { description: 'Names the request in the log', required: true, schema: text },
  RateLimit: { description: 'Requests left in this window', schema: text },
  RateLimitPolicy: { description: 'Requests and seconds of a window', schema: text },
  RetryAfter: { description: 'Seconds', required: true, schema: seconds },
  MayRetryAfter: { description: 'Seconds, if it passes by itself', schema: seconds },
  WwwAuthenticate: { description: '`Bearer`', required: true, schema: text },
  ETag: { description: 'For `If-Match` or `If-None-Match`', required: true, schema: text },
  IdempotentReplayed: { description: '`true`: this answer was given before', schema: text },
  ContentDisposition: { description: 'The name of the file', required: true, schema: text },
  ContentRange: { description: 'Which bytes of how many', required: true, schema: text },
} as const

const COMMON = {
  'X-Request-Id': header('RequestId'),
  RateLimit: header('RateLimit'),
  'RateLimit-Policy': header('RateLimitPolicy'),
}
const ENTITY_TAG = { ETag: header('ETag') }

const WITH_STATUS: Record<number, Record<string, { $ref: string }>> = {
  401: { 'WWW-Authenticate': header('WwwAuthenticate') },
  409: { 'Retry-After': header('MayRetryAfter') },
  416: { 'Content-Range': header('ContentRange') },
  429: { 'Retry-After': header('RetryAfter') },
  503: { 'Retry-After': header('MayRetryAfter') },
}

/** Responses that several operations share, by name. */
export type SharedResponses = Record<string, ZodOpenApiResponseObject>

/** What an operation answers; its problems are put among the shared ones. */
export function responsesOf(one: Operation, shared: SharedResponses): ZodOpenApiResponsesObject {
  const responses: Record<string, ZodOpenApiResponseObject | { $ref: string }> = answersOf(one)
  for (const [status, codes] of problemsOf(one)) {
    const name = codes.join('.')
    shared[name] ??= problemResponse(codes, { ...COMMON, ...WITH_STATUS[status] })
    responses[String(status)] = { $ref: `#/components/responses/${name}` }
  }
  return responses
}

function answersOf(one: Operation): Record<string, ZodOpenApiResponseObject> {
  const { answer } = one
  if ('bytes' in answer) return bytesOf(one, answer.mediaType ?? '*/*')
  const headers = {
    ...COMMON,
    ...(one.isRepeatable === true ? { 'Idempotent-Replayed': header('IdempotentReplayed') } : {}),
  }
  if (!('json' in answer)) return { 204: { description: answer.description ?? 'Done', headers } }
  return {
    [answer.status]: {
      description: answer.description ?? (answer.status === 201 ? 'Made' : 'The answer'),
      headers: { ...headers, ...(answer.hasETag === true ? ENTITY_TAG : {}) },
      content: { 'application/json': { schema: answer.json } },
    },
  }
}

/** Whoever may answer 416 knows ranges and conditions. Source: RFC 9110 §13 and §14. */
function bytesOf(one: Operation, mediaType: string): Record<string, ZodOpenApiResponseObject> {
  const content = { [mediaType]: { schema: { type: 'string', format: 'binary' } } } as const
  const file = { ...COMMON, 'Content-Disposition': header('ContentDisposition') }
  const hasRanges = one.problems?.includes('range-not-satisfiable') === true
  if (!hasRanges) return { 200: { description: 'The file', headers: file, content } }
  const tagged = { ...file, ...ENTITY_TAG }
  return {
    200: { description: 'The file', headers: tagged, content },
    206: {
      description: 'The part of it that `Range` names',
      headers: { ...tagged, 'Content-Range': header('ContentRange') },
      content,
    },
    304: { description: 'Not changed since `If-None-Match`', headers: { ...COMMON, ...ENTITY_TAG } },
  }
}

function header(name: keyof typeof HEADERS): { $ref: string } {
  return { $ref: `#/components/headers/${name}` }
}
