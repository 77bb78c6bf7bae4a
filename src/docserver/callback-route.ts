import express, {
  type ErrorRequestHandler,
  type Request,
  type RequestHandler,
  type Response,
  Router,
} from 'express'
import { takeSave } from '../core/saves.ts'
import { noteClosed, noteEditors } from '../core/sessions.ts'
import { isProblem, Problem } from '../errors.ts'
import { bodyDeadline } from '../http/body-deadline.ts'
import { asProblem, setProblemHeaders } from '../http/problem-json.ts'
import { sessionByKey } from '../metadata/sessions.ts'
import { authorOf, type Callback, headerPayload, submitterOf, verifyCallback } from './callback.ts'
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

  const tokenHeader = (request: Request) => request.get(deps.config.ONLYOFFICE_JWT_HEADER)

  /** Addresses that sent too much without a token are not read; a good token in the header always passes. */
  const limitStrangers: RequestHandler = (request, response, next) => {
    if (headerPayload(docServerTokens, tokenHeader(request)) !== undefined) return next()
    limits.strangers(request, response, next)
  }
  const authenticate: RequestHandler = (request, response, next) => {
    const body = Buffer.isBuffer(request.body) ? request.body : undefined
    response.locals.callback = verifyCallback(docServerTokens, { body, header: tokenHeader(request) })
    next()
  }
  // A body that is too large or coded may still carry a good token in its header.
  const authenticateByHeader: ErrorRequestHandler = (error, request, response, next) => {
    if (isProblem(error, 'too-many-requests')) return next(error)
    const header = tokenHeader(request)
    response.locals.callback = verifyCallback(docServerTokens, { body: undefined, header })
    next()
  }
  const refuse: ErrorRequestHandler = (error, request, response, next) => {
    const problem = asProblem(error)
    if (problem === undefined) return next(error)
    deps.metrics.refusedCallbacks.inc({ reason: problem.code })
    if (problem.code === 'callback-token-invalid') {
      door.unsignedCallbacks.count += 1
      door.unsignedCallbacks.lastAt = deps.clock()
    }
    deps.log.warn({ code: problem.code, requestId: request.id }, 'callback refused')
    setProblemHeaders(response, problem)
    answer(response, problem.status)
  }

  // Document Server never compresses; unpacking would multiply what strangers send.
  const readBody = express.raw({ type: () => true, limit: MAX_CALLBACK_BYTES, inflate: false })
  router.use(bodyDeadline(deps.config.BODY_TIMEOUT_S))
  router.post('/', limitStrangers, readBody, authenticate)
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
    const problem = refusalOf(callback, error)
    if (problem === undefined) return 200
    const durationMs = Math.round(performance.now() - started)
    if (isSave(callback)) deps.metrics.saves.inc({ status: callback.status, result: problem.code })
    const document = await documentOf(door, callback.key)
    deps.log.error({ ...line, document, err: error, outcome: problem.code, durationMs }, 'callback not taken')
    return problem.status
  }
}

/**
 * What Document Server must hear. For a save only a few answers may end it, everything else is a
 * passing fault: a 4xx would make Document Server give up. Undefined: there was nothing to lose.
 */
function refusalOf(callback: Callback, error: unknown): Problem | undefined {
  if (isProblem(error, 'key-unknown', 'save-without-url')) return error
  // A 7 without bytes changes nothing, however it was noted.
  if (callback.status === 7 && callback.url === undefined) return undefined
  if (isProblem(error) && error.status === 503) return error
  return new Problem('storage-unavailable', undefined, { cause: error })
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
  const { history } = callback
  return {
    key: callback.key,
    status: callback.status,
    url: callback.url,
    fileType: callback.filetype,
    lastsave: callback.lastsave,
    notModified: callback.notmodified,
    forcesaveType: callback.forcesavetype,
    userdata: callback.userdata,
    author: authorOf(callback),
    changesUrl: callback.changesurl,
    form:
      callback.status === 6 && callback.forcesavetype === 3
        ? { dataUrl: callback.formsdataurl, submitter: submitterOf(callback) }
        : undefined,
    history: history === undefined || history === null ? undefined : JSON.stringify(history),
  }
}
