import express, { Router } from 'express'
import { Problem } from '../errors.ts'
import { bodyDeadline } from '../http/body-deadline.ts'
import { problemJson } from '../http/problem-json.ts'
import type { Api } from './api.ts'
import { authRoutes } from './auth.ts'
import { collaborationRoutes } from './collaboration.ts'
import { conversionRoutes } from './conversions.ts'
import { documentRoutes } from './documents.ts'
import { embedRoutes } from './embed.ts'
import { templateRoutes } from './templates.ts'
import { isUpload } from './upload.ts'
import { versionRoutes } from './versions.ts'

const MAX_JSON_BYTES = 11 * 1024 ** 2

/** Door 2a, the Nuto REST API: `/api/auth`, `/api/documents`. */
export function apiRoutes(api: Api): Router {
  const router = Router()
  router.use(api.limits.requests, api.limits.failures)
  const deadline = bodyDeadline(api.deps.config.BODY_TIMEOUT_S)
  router.use((request, response, next) => (isUpload(request) ? next() : deadline(request, response, next)))
  // curl -d without a Content-Type sends JSON under the form type.
  router.use(
    express.json({ type: ['application/json', 'application/x-www-form-urlencoded'], limit: MAX_JSON_BYTES }),
  )
  router.use('/auth', authRoutes(api))
  router.use(templateRoutes(api))
  router.use('/documents', documentRoutes(api))
  router.use('/collaboration', collaborationRoutes(api))
  router.use('/embed', embedRoutes(api))
  router.use('/documents', versionRoutes(api))
  router.use('/documents', conversionRoutes(api))
  router.use(() => {
    throw new Problem('route-not-found')
  })
  router.use(problemJson(api.deps.log))
  return router
}
