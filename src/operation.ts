import { type Request, Router } from 'express'
import type { Deps } from './core/deps.ts'
import { equalSecrets } from './core/hashed-secrets.ts'
import type { Limits } from './http/limits.ts'
import { countSavesAtRisk } from './metadata/saves.ts'
import { countTickingSessions } from './metadata/sessions.ts'

type MeasuredDeps = Pick<
  Deps,
  'database' | 'isDocServerHealthy' | 'metrics' | 'config' | 'clock' | 'supports'
>

/** `/health`, `/ready` and `/metrics` for whoever runs the service. */
export function operationRoutes({
  deps,
  limits,
  adminToken,
  isStopping,
}: {
  deps: MeasuredDeps
  limits: Limits
  adminToken: string
  isStopping: () => boolean
}): Router {
  const router = Router()

  router.get('/health', (_request, response) => {
    response.json({ status: 'ok' })
  })

  /** Of this node alone. Without Document Server or other nodes it is degraded, not dead: reading and saving go on. */
  router.get('/ready', async (_request, response) => {
    if (isStopping()) {
      response.status(503).json({ status: 'stopping' })
      return
    }
    const { supports, config } = deps
    if (!(await supports.isDatabaseHealthy())) {
      response.status(503).json({ status: 'no-database', node: config.NODE_NAME })
      return
    }
    const [documentServer, blobs] = await Promise.all([deps.isDocServerHealthy(), supports.areBlobsHealthy()])
    const trouble = supports.backplaneTrouble()
    const isWell = documentServer && blobs && trouble === undefined
    response.json({
      status: isWell ? 'ready' : 'degraded',
      node: config.NODE_NAME,
      documentServer,
      blobs,
      backplane: trouble ?? 'ok',
    })
  })

  router.get('/metrics', limits.failures, async (request, response) => {
    if (!mayMeasure(request)) {
      response.status(401).set('WWW-Authenticate', 'Bearer').json({ code: 'token-missing' })
      return
    }
    await measure(deps)
    response.type(deps.metrics.registry.contentType).send(await deps.metrics.registry.metrics())
  })

  function mayMeasure(request: Request): boolean {
    const token = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1]
    if (token === undefined) return false
    const { METRICS_TOKEN } = deps.config
    return (
      equalSecrets(token, adminToken) || (METRICS_TOKEN !== undefined && equalSecrets(token, METRICS_TOKEN))
    )
  }

  return router
}

/** Brings the gauges up to date; those of rows stay as they are while there is no database. */
async function measure({
  database,
  metrics,
  clock,
  supports,
  isDocServerHealthy,
}: MeasuredDeps): Promise<void> {
  const isThere = await supports.isDatabaseHealthy()
  metrics.dependencies.set({ name: 'database' }, Number(isThere))
  metrics.dependencies.set({ name: 'blobs' }, Number(await supports.areBlobsHealthy()))
  metrics.dependencies.set({ name: 'backplane' }, Number(supports.backplaneTrouble() === undefined))
  metrics.dependencies.set({ name: 'document-server' }, Number(await isDocServerHealthy()))
  if (!isThere) return
  const { count, oldest } = await countSavesAtRisk(database)
  metrics.savesAtRisk.set(count)
  metrics.oldestUnsavedSeconds.set(oldest === null ? 0 : (clock().getTime() - Date.parse(oldest)) / 1000)
  metrics.openDocuments.set(await countTickingSessions(database))
}
