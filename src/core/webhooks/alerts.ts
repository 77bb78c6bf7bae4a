import { statfs } from 'node:fs/promises'
import { deleteAlert, insertAlert, raisedAlerts, setCalmChecks } from '../../metadata/alerts.ts'
import { countSavesAtRisk } from '../../metadata/saves.ts'
import type { Tx } from '../../metadata/schema.ts'
import { insertDelivery } from '../../metadata/webhook-deliveries.ts'
import { eventBody, idAt } from '../activity.ts'
import type { Deps } from '../deps.ts'
import type { Held } from '../locks.ts'

/** Names the administrator's webhook where others have an id. */
export const ALERT_WEBHOOK_ID = 'alert'

/** Checks are a minute apart: another node goes on when one has missed its turn. */
const TAKEN_OVER_MS = 90_000
/** What is over must stay so for this many checks before it counts as resolved. */
const CALM_CHECKS = 2

type AlertDeps = Pick<
  Deps,
  'database' | 'clock' | 'config' | 'log' | 'docServer' | 'isDocServerHealthy' | 'webhookSecret' | 'locks'
>

/** Figures of what is wrong; undefined while all is well. */
type Trouble = Record<string, unknown> | undefined

const CHECKS: [name: string, check: (deps: AlertDeps) => Promise<Trouble>][] = [
  ['alert.save_at_risk', saveAtRisk],
  ['alert.disk_low', diskLow],
  ['alert.document_server_down', docServerDown],
]

async function saveAtRisk({ database }: AlertDeps): Promise<Trouble> {
  const { count, oldest } = await countSavesAtRisk(database)
  return count > 0 ? { count, oldest } : undefined
}

async function diskLow({ config }: AlertDeps): Promise<Trouble> {
  const { bavail, bsize } = await statfs(config.DATA_DIR)
  const freeBytes = bavail * bsize
  return freeBytes < config.ALERT_DISK_FREE_BYTES ? { freeBytes } : undefined
}

async function docServerDown({ docServer, isDocServerHealthy }: AlertDeps): Promise<Trouble> {
  return docServer === undefined || (await isDocServerHealthy()) ? undefined : {}
}

/**
 * Looks whether the administrator must know of something and queues what there is to tell: once
 * when it begins and once when it is over, also across restarts.
 */
export async function checkAlerts(deps: AlertDeps): Promise<void> {
  if (deps.config.ALERT_WEBHOOK_URL === undefined) return
  await deps.locks.round('alerts', TAKEN_OVER_MS, async (held) => {
    for (const [name, check] of CHECKS) {
      try {
        await note(deps, name, await check(deps), held)
      } catch (error) {
        deps.log.error({ err: error, alert: name }, 'not known whether there is something to alert of')
      }
    }
  })
}

async function note(
  { database, clock }: AlertDeps,
  name: string,
  trouble: Trouble,
  held: Held,
): Promise<void> {
  const now = clock().toISOString()
  const known = (await raisedAlerts(database)).find((alert) => alert.name === name)
  if (trouble === undefined && known === undefined) return
  if (trouble !== undefined && known?.calm_checks === 0) return
  await database.transaction().execute(async (tx) => {
    await held.demand(tx)
    if (known === undefined) {
      await insertAlert(tx, { name, raised_at: now, calm_checks: 0 })
      await tell(tx, name, now, { state: 'raised', ...trouble })
    } else if (trouble !== undefined) {
      await setCalmChecks(tx, name, 0)
    } else if (known.calm_checks + 1 < CALM_CHECKS) {
      await setCalmChecks(tx, name, known.calm_checks + 1)
    } else {
      await deleteAlert(tx, name)
      await tell(tx, name, now, { state: 'resolved', raisedAt: known.raised_at })
    }
  })
}

function tell(tx: Tx, name: string, now: string, data: Record<string, unknown>): Promise<void> {
  const body = eventBody(name, now, data)
  return insertDelivery(tx, ALERT_WEBHOOK_ID, { id: idAt(now), event: name, body, now })
}

export type AlertWebhook = {
  /** Null: none is set. */
  url: string | null
  secret: string
  /** `raised` while something is wrong. */
  state: 'calm' | 'raised'
  alerts: { name: string; raisedAt: string }[]
}

/** The administrator's webhook, with the secret that its receiver checks signatures with. */
export async function alertWebhook({
  database,
  config,
  webhookSecret,
}: Pick<Deps, 'database' | 'config' | 'webhookSecret'>): Promise<AlertWebhook> {
  const raised = await raisedAlerts(database)
  return {
    url: config.ALERT_WEBHOOK_URL ?? null,
    secret: webhookSecret(ALERT_WEBHOOK_ID),
    state: raised.length === 0 ? 'calm' : 'raised',
    alerts: raised.map(({ name, raised_at }) => ({ name, raisedAt: raised_at })),
  }
}
