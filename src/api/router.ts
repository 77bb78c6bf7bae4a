import { Router } from 'express'
import { Problem } from '../errors.ts'
import { problemJson } from '../http/problem-json.ts'
import { activityOperations } from './activity.ts'
import { administrationOperations } from './administration.ts'
import { doctorOperations } from './administration-doctor.ts'
import type { Api } from './api.ts'
import { apiKeyOperations } from './api-keys.ts'
import { authOperations } from './auth.ts'
import { collaborationOperations } from './collaboration.ts'
import { conversionOperations } from './conversions.ts'
import { documentLinkOperations } from './document-links.ts'
import { documentListOperations } from './document-list.ts'
import { documentOperations } from './documents.ts'
import { embedOperations } from './embed.ts'
import { fileLinkOperations } from './file-links.ts'
import { folderOperations } from './folders.ts'
import { openApiRoute } from './openapi-route.ts'
import { type Operation, serveOperations } from './operation.ts'
import { submissionOperations } from './submissions.ts'
import { templateOperations } from './templates.ts'
import { thumbnailOperations } from './thumbnails.ts'
import { uploadOperations } from './uploads.ts'
import { userOperations } from './users.ts'
import { versionOperations } from './versions.ts'
import { webhookOperations } from './webhooks.ts'

/** All that the API does. Paths that a pattern of another one would also take come first. */
export function operationsOf(api: Api): Operation[] {
  return [
    ...authOperations(api),
    ...apiKeyOperations(api),
    ...documentListOperations(api),
    ...uploadOperations(api),
    ...templateOperations(api),
    ...documentOperations(api),
    ...conversionOperations(api),
    ...thumbnailOperations(api),
    ...versionOperations(api),
    ...submissionOperations(api),
    ...folderOperations(api),
    ...collaborationOperations(api),
    ...embedOperations(api),
    ...userOperations(api),
    ...documentLinkOperations(api),
    ...fileLinkOperations(api),
    ...webhookOperations(api),
    ...activityOperations(api),
    ...administrationOperations(api),
    ...doctorOperations(api),
  ]
}

/** Door 2a, the Nuto REST API, under `/api`. */
export function apiRoutes(api: Api): Router {
  const router = Router()
  const operations = operationsOf(api)
  // As cheap as a file of a page, and not limited either.
  router.get('/openapi.json', openApiRoute(operations, api))
  router.use(api.limits.requests, api.limits.failures)
  router.use(serveOperations(api, operations))
  router.use(() => {
    throw new Problem('route-not-found')
  })
  router.use(problemJson(api.deps.log))
  return router
}
