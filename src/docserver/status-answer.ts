import type { Request } from 'express'
import { equalSecrets } from '../core/hashed-secrets.ts'
import type { ContinuousDoctor } from '../doctor/continuous.ts'
import { checksAnswer } from '../doctor/report.ts'
import { forgottenFiles } from '../metadata/forgotten.ts'
import { countSavesAtRisk, savesAtRisk } from '../metadata/saves.ts'
import { countTickingSessions } from '../metadata/sessions.ts'
import type { Door } from './door.ts'

const MOST_LISTED = 100

/** Whether editing works, for everyone who may ask; what is at risk, for the administrator and `METRICS_TOKEN`. */
export async function statusAnswer(door: Door, request: Request) {
  const { deps, addresses, doctor } = door
  const isDetailed = await mayKnowDetails(door, request)
  const summary = {
    configured: addresses.docServerUrl !== undefined,
    emulated: deps.config.isEmulated,
    healthy: (await deps.docServer?.isHealthy()) ?? false,
  }
  if (!isDetailed) return summary
  const [atRisk, oldest, forgotten, open, version] = await Promise.all([
    savesAtRisk(deps.database, MOST_LISTED),
    countSavesAtRisk(deps.database),
    forgottenFiles(deps.database),
    countTickingSessions(deps.database),
    deps.docServer?.version().catch((error: unknown) => (error instanceof Error ? error.message : 'unknown')),
  ])
  return {
    ...summary,
    ...doctorAnswer(doctor),
    advice: adviceOf(door),
    version: version ?? null,
    openDocuments: open,
    savesAtRisk: oldest.count,
    oldestUnsaved: oldest.oldest,
    saves: atRisk.map((save) => ({
      documentId: save.document_id,
      key: save.key,
      status: save.status,
      error: save.error,
      receivedAt: save.received_at,
    })),
    forgotten: forgotten.map((file) => ({
      key: file.key,
      reason: file.reason,
      firstSeenAt: file.first_seen_at,
    })),
  }
}

/** What the last round of the doctor showed; `ok` is null before the first one. */
function doctorAnswer(doctor: ContinuousDoctor) {
  const shown = doctor.shown()
  return {
    ok: shown.ok ?? null,
    checkedAt: shown.checkedAt?.toISOString() ?? null,
    checks: checksAnswer(shown.checks),
  }
}

/** Anyone with a token may ask; details are for the operator. @throws Problem `token-missing`, `token-invalid` */
async function mayKnowDetails({ deps, authentication }: Door, request: Request): Promise<boolean> {
  const { METRICS_TOKEN } = deps.config
  const bearer = request.headers.authorization?.replace(/^Bearer\s+/i, '')
  if (METRICS_TOKEN !== undefined && bearer !== undefined && equalSecrets(bearer, METRICS_TOKEN)) return true
  return (await authentication.byBearerOrCookie(request)).kind === 'administrator'
}

function adviceOf({ unsignedCallbacks: { count, lastAt } }: Door): string[] {
  if (lastAt === undefined) return []
  return [
    `${count} callbacks came without a good token, the last one at ${lastAt.toISOString()}: ` +
      'switch on JWT in Document Server (services.CoAuthoring.token.enable) with the secret of ONLYOFFICE_JWT_SECRET',
  ]
}
