import express, { type ErrorRequestHandler, type RequestHandler, type Response, Router } from 'express'
import { takeSave } from '../core/saves.ts'
import { noteClosed, noteEditors } from '../core/sessions.ts'
import { isProblem, Problem } from '../errors.ts'
import { bodyDeadline } from '../http/body-deadline.ts'
import { asProblem } from '../http/problem-json.ts'
import { sessionByKey } from '../metadata/sessions.ts'
import { authorOf, type Callback, verifyCallback } from './callback.ts'
import type { Door } from './door.ts'

/** Callbacks up to this size are read; the header's token serves beyond it. */
const MAX_CALLBACK_BYTES = 16 * 1024 ** 2

/**
 * The body is `{"error":0}` whatever happened, and the HTTP status tells the truth: Document Server
 * looks at the status first and keeps its changes unless it is 200.
 */
function answer(response: Response, status: number): void {
  response.status(status).json({ error: 0 })
}

/** Takes what Document Server says about a session. Source: ONLYOFFICE Docs API, Callback handler. */
export function callbackRoute(door: Door): Router {
  const router = Router()
  const { deps, docServerTokens, limits } = door

  const authenticate: RequestHandler = (request, response, next) => {
    const header = request.get(deps.config.ONLYOFFICE_JWT_HEADER)
    const body = Buffer.isBuffer(request.body) ? request.body : undefined
    response.locals.callback = verifyCallback(docServerTokens, { body, header })
    next()
  }
  // A body that is too large or badly coded may still carry a good token in its header.
  const authenticateByHeader: ErrorRequestHandler = (_error, request, response, next) => {
    const header = request.get(deps.config.ONLYOFFICE_JWT_HEADER)
    response.locals.callback = verifyCallback(docServerTokens, { body: undefined, header })
    next()
  }
  const refuse: ErrorRequestHandler = (error, request, response, next) => {
    if (!isProblem(error)) return next(error)
    deps.metrics.refusedCallbacks.inc({ reason: error.code })
    if (error.code === 'callback-token-invalid') {
      door.unsignedCallbacks.count += 1
      door.unsignedCallbacks.lastAt = deps.clock()
    }
    deps.log.warn({ code: error.code, requestId: request.id }, 'callback refused')
    limits.requests(request, response, (limited?: unknown) =>
      answer(response, asProblem(limited)?.status ?? error.status),
    )
  }

  const readBody = express.raw({ type: () => true, limit: MAX_CALLBACK_BYTES, inflate: true })
  router.use(bodyDeadline(deps.config.BODY_TIMEOUT_S))
  router.post('/', readBody, authenticate)
  router.use(authenticateByHeader)
  router.use(refuse)
  router.post('/', async (request, response) => {
    const callback: Callback = response.locals.callback
    answer(response, await take(door, callback, String(request.id)))
  })
  router.use((_request, _response, next) => next(new Problem('method-not-allowed')))
  return router
}

/** @returns the HTTP status that tells Document Server what became of it */
async function take(door: Door, callback: Callback, requestId: string): Promise<number> {
  const { deps } = door
  const started = performance.now()
  const line = { key: callback.key, status: callback.status, requestId }
  try {
    const result = await dispatch(door, callback)
    const durationMs = Math.round(performance.now() - started)
    if (isSave(callback)) {
      deps.metrics.saves.inc({ status: callback.status, result: result.outcome })
      deps.metrics.saveSeconds.observe(durationMs / 1000)
      deps.log.info({ ...line, ...result, durationMs }, 'save taken')
    } else {
      deps.log.debug({ ...line, ...result, durationMs }, 'callback taken')
    }
    return 200
  } catch (error) {
    const problem = isProblem(error) ? error : new Problem('storage-unavailable', undefined, { cause: error })
    const durationMs = Math.round(performance.now() - started)
    if (isSave(callback)) deps.metrics.saves.inc({ status: callback.status, result: problem.code })
    const document = await documentOf(door, callback.key)
    deps.log.error({ ...line, document, err: error, outcome: problem.code, durationMs }, 'callback not taken')
    return problem.status
  }
}

/** For the log alone: undefined when the key is unknown or the database cannot answer. */
async function documentOf({ deps }: Door, key: string): Promise<string | undefined> {
  const session = await sessionByKey(deps.database, key).catch(() => undefined)
  return session?.document_id
}

type Result = { document: string; outcome: string }

async function dispatch(door: Door, callback: Callback): Promise<Result> {
  const { deps } = door
  if (isSave(callback)) {
    if (door.isStopping()) throw new Problem('shutting-down')
    const { documentId, outcome } = await takeSave(deps, incomingSave(callback))
    return { document: documentId, outcome: outcome ?? 'nothing-to-store' }
  }
  const { key, status, users } = callback
  try {
    const session =
      status === 4
        ? await noteClosed(deps, key)
        : await noteEditors(deps, key, status === 1 ? (users ?? []) : [])
    return { document: session.document_id, outcome: 'noted' }
  } catch (error) {
    if (isProblem(error)) throw error
    // Nothing to store, and a refused 1 would alarm the user: a busy disk is no reason.
    deps.log.warn({ err: error, key, status }, 'editors not noted')
    return { document: '', outcome: 'not-noted' }
  }
}

function isSave(callback: Callback): callback is Callback & { status: 2 | 3 | 6 | 7 } {
  return [2, 3, 6, 7].includes(callback.status)
}

function incomingSave(callback: Callback & { status: 2 | 3 | 6 | 7 }) {
  const { lastsave, history } = callback
  return {
    key: callback.key,
    status: callback.status,
    url: callback.url ?? undefined,
    fileType: callback.filetype?.toLowerCase(),
    lastsave: lastsave && !Number.isNaN(Date.parse(lastsave)) ? lastsave : undefined,
    notModified: callback.notmodified ?? false,
    forcesaveType: callback.forcesavetype ?? undefined,
    userdata: callback.userdata ?? undefined,
    author: authorOf(callback),
    changesUrl: callback.changesurl ?? undefined,
    history: history === undefined || history === null ? undefined : JSON.stringify(history),
  }
}
