import { type Request, type Response, Router } from 'express'
import { z } from 'zod'
import type { Grant } from '../core/sharing/grants.ts'
import { Problem } from '../errors.ts'
import type { Door } from './door.ts'
import { demandGrant, type Visitor, visitorOf } from './visitor.ts'

type Visit<P, Q, B> = {
  visitor: Visitor
  params: P
  query: Q
  body: B
  request: Request
  response: Response
}

/** Something that the editor, through its page, asks of us. */
export type Action = {
  method: 'get' | 'post' | 'delete'
  /** Below `/api/onlyoffice/documents/:id`. */
  path: string
  grant: Grant
  /** Touches other documents or people of the workspace: not for embeds, links and guests. */
  needsWorkspace?: true
  params?: z.ZodType
  query?: z.ZodType
  body?: z.ZodType
  /** @returns the JSON of the answer; undefined: 204 */
  handle(visit: Visit<unknown, unknown, unknown>): Promise<unknown>
}

/** Checks a description's handler against its schemas; from here on its types are forgotten. */
export function action<
  P extends z.ZodType = z.ZodUndefined,
  Q extends z.ZodType = z.ZodUndefined,
  B extends z.ZodType = z.ZodUndefined,
>(
  definition: Omit<Action, 'params' | 'query' | 'body' | 'handle'> & {
    params?: P
    query?: Q
    body?: B
    handle(visit: Visit<z.output<P>, z.output<Q>, z.output<B>>): Promise<unknown>
  },
): Action {
  return definition as unknown as Action
}

/** Serves actions: who it is, whether they may, what they ask. */
export function serveActions(door: Door, actions: readonly Action[]): Router {
  const router = Router()
  for (const one of actions) {
    router[one.method](`/documents/:id${one.path}`, async (request, response) => {
      const visitor = await visitorOf(door, request, String(request.params.id))
      demandGrant(visitor, one.grant)
      if (one.needsWorkspace === true && !visitor.seesWorkspace)
        throw new Problem('grant-missing', 'this reaches beyond the one document that was opened')
      const answer = await one.handle({
        visitor,
        params: one.params?.parse(request.params),
        query: one.query?.parse(request.query),
        body: one.body?.parse(request.body ?? {}),
        request,
        response,
      })
      if (response.headersSent) return
      response.set('Cache-Control', 'no-store')
      if (answer === undefined) response.status(204).end()
      else response.json(answer)
    })
  }
  return router
}

/** Identifiers from the editor or a page. */
export const Id = z.string().trim().min(1).max(128)
