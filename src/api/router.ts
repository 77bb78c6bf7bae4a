import express, { Router } from 'express'
import type { Deps } from '../core/deps.ts'
import type { Tokens } from '../core/tokens.ts'
import { Problem } from '../errors.ts'
import type { Authentication } from '../http/authentication.ts'
import type { Limits } from '../http/limits.ts'
import { problemJson } from '../http/problem-json.ts'
import { authRoutes } from './auth.ts'
import { documentRoutes } from './documents.ts'
import { versionRoutes } from './versions.ts'

const MAX_JSON_BYTES = 11 * 1024 ** 2

/** What the REST API uses beside the use-cases. */
export type Api = { deps: Deps; tokens: Tokens; authentication: Authentication; limits: Limits }

/** Door 2a, the Nuto REST API: `/api/auth`, `/api/documents`. */
export function apiRoutes(api: Api): Router {
  const router = Router()
  router.use(api.limits.requests, api.limits.failures)
  // curl -d without a Content-Type sends JSON under the form type.
  router.use(
    express.json({ type: ['application/json', 'application/x-www-form-urlencoded'], limit: MAX_JSON_BYTES }),
  )
  router.use('/auth', authRoutes(api))
  router.use('/documents', documentRoutes(api))
  router.use('/documents', versionRoutes(api))
  router.use(() => {
    throw new Problem('route-not-found')
  })
  router.use(problemJson(api.deps.log))
  return router
}
