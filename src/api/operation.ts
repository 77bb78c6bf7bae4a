import { randomUUIDv7 } from 'node:crypto'
import { type Request, type Response, Router } from 'express'
import { ZodError, type z } from 'zod'
import { type Caller, demand, type Permission } from '../core/callers.ts'
import { Problem, type ProblemCode } from '../errors.ts'
import { bearerOf, isAdministrator } from '../http/authentication.ts'
import type { Api } from './api.ts'
import { hasBody, jsonReaders } from './body.ts'
import { inWorkspace } from './workspace.ts'

export const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const
export type Method = (typeof METHODS)[number]
/** Source: RFC 9110 §9.2.1. */
const SAFE_METHODS = new Set(['GET', 'HEAD'])

/** Who may call: anybody, whoever has a token, the administrator alone, or also whom `isOpenTo` lets in without a token. */
export type Access = 'open' | 'token' | 'administrator' | 'setup'

type Call<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType, A extends Access> = {
  caller: A extends 'open' ? undefined : A extends 'setup' ? Caller | undefined : Caller
  params: z.output<P>
  query: z.output<Q>
  body: z.output<B>
  /** For what the request makes: the same one when it is sent again with its `Idempotency-Key`. */
  resourceId: string
  request: Request
  response: Response
}

/** What an operation answers when all is well: JSON of a shape, bytes of a file, or nothing. */
export type Answer<J extends z.ZodType = z.ZodType> =
  | { status: 200 | 201; json: J; description?: string; hasETag?: true }
  | { status: 200; bytes: true; description?: string; mediaType?: string }
  | { status: 204; description?: string }

type Description = {
  method: Method
  /** The first is the documented one, the others its aliases. Express' own path syntax, under `/api`. */
  paths: [string, ...string[]]
  tag: string
  summary: string
  access: Access
  isOpenTo?: (request: Request) => boolean
  /** Demanded before anything else is looked at. */
  permission?: Permission | undefined
  /** Brings a query into the shape of its schema. */
  prepareQuery?: (query: Record<string, unknown>) => Record<string, unknown>
  /** The body is a file as multipart/form-data. */
  isUpload?: true
  /** Takes `If-Match`. */
  isConditional?: true
  /** Takes `Idempotency-Key`: sent again, it answers what it answered and makes nothing new. */
  isRepeatable?: true
  answer: Answer
  /** Beside those that every operation has. */
  problems?: ProblemCode[]
  params?: z.ZodType
  query?: z.ZodType
  body?: z.ZodType
}

/** One thing that the API does: it is served, documented and tested from this description. */
export type Operation = Description & {
  handle(call: Record<'caller' | 'params' | 'query' | 'body', unknown> & HandlerParts): Promise<unknown>
}
type HandlerParts = Pick<Call<z.ZodType, z.ZodType, z.ZodType, Access>, 'resourceId' | 'request' | 'response'>

/** Checks a description's handler against its schemas; from here on its types are forgotten. */
export function operation<
  J extends z.ZodType,
  A extends Access,
  P extends z.ZodType = z.ZodUndefined,
  Q extends z.ZodType = z.ZodUndefined,
  B extends z.ZodType = z.ZodUndefined,
>(
  definition: Omit<Description, 'access' | 'answer' | 'params' | 'query' | 'body'> & {
    access: A
    params?: P
    query?: Q
    body?: B
    answer: Answer<J>
    /** Returns the JSON of the answer; an operation that answers bytes sends them itself. */
    handle(call: Call<P, Q, B, A>): Promise<z.input<J> | undefined>
  },
): Operation {
  return definition as unknown as Operation
}

/** Serves operations; another method on one of their paths is answered 405. Source: RFC 9110 §15.5.6. */
export function serveOperations(
  {
    authentication,
    csrf,
    repeats,
    deps,
    tokens,
  }: Pick<Api, 'authentication' | 'csrf' | 'repeats' | 'deps' | 'tokens'>,
  operations: Operation[],
): Router {
  const router = Router()
  const { deadline, json } = jsonReaders(deps.config)
  const byPath = Map.groupBy(
    operations.flatMap((one) => one.paths.map((path) => ({ path, one }))),
    ({ path }) => path,
  )
  for (const [path, served] of byPath) {
    for (const { one } of served) {
      // An upload may take as long as it makes progress.
      const readers = one.isUpload === true ? [] : [deadline, json]
      router[one.method](path, ...readers, (request: Request, response: Response) =>
        serve(one, request, response),
      )
    }
    const methods = served.flatMap(({ one: { method } }) =>
      method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()],
    )
    router.all(path, deadline, (request, response) => {
      response.set('Allow', methods.join(', '))
      if (request.method !== 'OPTIONS') throw new Problem('method-not-allowed', `only ${methods.join(', ')}`)
      response.status(204).end()
    })
  }
  router.use(deadline)
  return router

  async function serve(one: Operation, request: Request, response: Response): Promise<void> {
    const caller = await callerOf(one, request)
    if (one.permission !== undefined && caller !== undefined) demand(caller, one.permission)
    if (one.isUpload !== true && request.body === undefined && hasBody(request))
      throw new Problem('media-type-unsupported', 'send JSON as application/json')
    const given = parse(one, request)
    const { status } = one.answer
    const handle = async (resourceId: string) => ({
      status,
      json: await one.handle({ ...given, caller, resourceId, request, response }),
    })
    const answer =
      one.isRepeatable === true
        ? await repeats.answer(request, response, caller, handle)
        : await handle(randomUUIDv7())
    if (response.headersSent) return
    response.status(answer.status)
    if ('json' in one.answer) response.json(answer.json)
    else response.end()
  }

  async function callerOf(one: Operation, request: Request): Promise<Caller | undefined> {
    if (one.access === 'open') return undefined
    const isUnnamed = request.headers.authorization === undefined && !isAdministrator(request, tokens)
    if (one.access === 'setup' && isUnnamed && one.isOpenTo?.(request)) return undefined
    const caller = await authentication.byBearerOrCookie(request)
    // A browser adds the cookie to what other sites send.
    if (bearerOf(request) === undefined && !SAFE_METHODS.has(request.method)) csrf.demand(request)
    if (one.access !== 'token' && caller.kind !== 'administrator') throw new Problem('administrator-only')
    return inWorkspace(deps, caller, request.query.workspaceId)
  }
}

/** All faults at once. @throws ZodError */
function parse({ params, query, body, prepareQuery = (it) => it }: Operation, request: Request) {
  const parts = [
    params?.safeParse(request.params),
    query?.safeParse(prepareQuery(request.query)),
    // Without a body Express leaves undefined: then each field is what is missing.
    body?.safeParse(request.body ?? {}),
  ] as const
  const issues = parts.flatMap((part) => part?.error?.issues ?? [])
  if (issues.length > 0) throw new ZodError(issues)
  return { params: parts[0]?.data, query: parts[1]?.data, body: parts[2]?.data }
}
