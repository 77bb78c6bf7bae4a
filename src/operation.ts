import { type Request, Router } from 'express'
import type { Deps } from './core/deps.ts'
import { equalSecrets } from './core/hashed-secrets.ts'
import type { Limits } from './http/limits.ts'
import { countSavesAtRisk } from './metadata/saves.ts'
import { countTickingSessions } from './metadata/sessions.ts'

/** `/health`, `/ready` and `/metrics` for whoever runs the service. */
export function operationRoutes({
  deps,
  limits,
  adminToken,
  isStopping,
}: {
  deps: Pick<Deps, 'database' | 'isDocServerHealthy' | 'metrics' | 'config' | 'clock'>
  limits: Limits
  adminToken: string
  isStopping: () => boolean
}): Router {
  const router = Router()

  router.get('/health', (_request, response) => {
    response.json({ status: 'ok' })
  })

  /** A Document Server that is down makes us degraded, not dead: reading and saving go on. */
  router.get('/ready', async (_request, response) => {
    if (isStopping()) {
      response.status(503).json({ status: 'stopping' })
      return
    }
    try {
      await deps.database.selectFrom('installation').select('id').execute()
    } catch {
      response.status(503).json({ status: 'no-database' })
      return
    }
    const documentServer = await deps.isDocServerHealthy()
    response.json({ status: documentServer ? 'ready' : 'degraded', documentServer })
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

/** Brings the gauges up to date. */
async function measure({
  database,
  metrics,
  clock,
}: Pick<Deps, 'database' | 'metrics' | 'clock'>): Promise<void> {
  const { count, oldest } = await countSavesAtRisk(database)
  metrics.savesAtRisk.set(count)
  metrics.oldestUnsavedSeconds.set(oldest === null ? 0 : (clock().getTime() - Date.parse(oldest)) / 1000)
  metrics.openDocuments.set(await countTickingSessions(database))
}
