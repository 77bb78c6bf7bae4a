import { setTimeout as delay } from 'node:timers/promises'
import cron, { type ScheduledTask } from 'node-cron'
import type { Deps } from './core/deps.ts'
import { forcesaveTick } from './core/forcesave.ts'
import { pruneActivity } from './core/list-activity.ts'
import type { Membership } from './core/nodes.ts'
import { recoverForgotten } from './core/recovery.ts'
import { RemoteDeliveries } from './core/remote/delivery.ts'
import { withdrawEnded } from './core/sharing/withdraw.ts'
import { sweep } from './core/sweep.ts'
import { ThumbnailQueue } from './core/thumbnails/queue.ts'
import { createSupportsWatch } from './core/watch-supports.ts'
import { checkAlerts } from './core/webhooks/alerts.ts'
import { WebhookQueue } from './core/webhooks/queue.ts'
import type { ContinuousDoctor } from './doctor/continuous.ts'
import type { HubDoor } from './hub/hub-door.ts'
import { countSavesAtRisk } from './metadata/saves.ts'

/** After a start the last final saves of Document Server may still be on their way to its forgotten store. */
const WATCHFUL_MS = 5 * 60_000
const CALM_EVERY_MIN = 10

/** Two looks soon after a start: what it says must not wait for the calm rounds. */
const DOCTOR_SOON_MS = 2.5 * 60_000
const DOCTOR_EVERY_MIN = 5
const ROUNDS_MISSED = 2.5

/** Everything that happens without a request; what it works on stands in rows, so it may be cut short. */
export function startBackground(
  deps: Deps,
  {
    hub,
    doctor,
    membership,
  }: {
    hub: Pick<HubDoor, 'withdraw' | 'renew' | 'readUntold'>
    doctor: Pick<ContinuousDoctor, 'round'>
    membership: Pick<Membership, 'announce'>
  },
): { stop(withinMs: number): Promise<void> } {
  const startedAt = deps.clock().getTime()
  const running = new Set<Promise<unknown>>()
  /** Why the last round of a job failed. */
  const failing = new Map<string, string>()
  const watchSupports = createSupportsWatch(deps)
  const stopped = new AbortController()
  const webhooks = new WebhookQueue(deps, stopped.signal)
  const deliveries = new RemoteDeliveries(deps, stopped.signal)
  const thumbnails = new ThumbnailQueue(deps, stopped.signal)

  function every(pattern: string, name: string, work: () => Promise<unknown>): ScheduledTask {
    const options = { name, noOverlap: true, logger: cronLogger(deps.log) }
    return cron.schedule(pattern, () => track(name, work), options)
  }

  function track(name: string, work: () => Promise<unknown>): Promise<void> {
    const done: Promise<void> = work()
      .then(() => void (failing.delete(name) && deps.log.info({ job: name }, 'background work goes on')))
      .catch((error: unknown) => {
        if (stopped.signal.aborted) return
        const why = String(error)
        // Rounds of each second would fill the log while the database is away.
        if (failing.get(name) !== why) deps.log.error({ err: error, job: name }, 'background work failed')
        failing.set(name, why)
      })
      .finally(() => running.delete(done))
    running.add(done)
    return done
  }

  /** Every minute while something is at risk, else every ten. */
  async function recovery(): Promise<void> {
    const now = deps.clock()
    const { count } = await countSavesAtRisk(deps.database)
    const isWatchful = count > 0 || now.getTime() - startedAt < WATCHFUL_MS
    if (isWatchful || now.getUTCMinutes() % CALM_EVERY_MIN === 0) await recoverForgotten(deps, stopped.signal)
  }

  /** One node at a time; another one goes on after some rounds without it. */
  function alone(name: string, everyS: number, work: () => Promise<unknown>): () => Promise<void> {
    return () => deps.locks.round(name, everyS * ROUNDS_MISSED * 1000, work)
  }

  async function diagnosis(): Promise<void> {
    const now = deps.clock()
    const isSoon = now.getTime() - startedAt < DOCTOR_SOON_MS
    if (isSoon || now.getUTCMinutes() % DOCTOR_EVERY_MIN === 0) await doctor.round()
  }

  const tasks = [
    every('* * * * * *', 'forcesave', () => forcesaveTick(deps, stopped.signal)),
    every('0 * * * * *', 'recovery', recovery),
    every(
      '0 17 * * * *',
      'sweep',
      alone('sweep', 3600, () => sweep(deps, { signal: stopped.signal })),
    ),
    every(
      '0 37 * * * *',
      'prune activity',
      alone('prune activity', 3600, () => pruneActivity(deps)),
    ),
    every('*/2 * * * * *', 'supports', watchSupports),
    every('* * * * * *', 'webhooks', () => webhooks.startDue()),
    every('* * * * * *', 'linked files', () => deliveries.startDue()),
    every('* * * * * *', 'thumbnails', () => thumbnails.startDue()),
    every(
      '*/10 * * * * *',
      'withdraw',
      alone('withdraw', 10, () => withdrawEnded(deps)),
    ),
    every('*/15 * * * * *', 'hub access', () => hub.withdraw()),
    every('*/20 * * * * *', 'hub presence', () => hub.renew()),
    // A single node tells itself everything.
    ...(deps.config.BACKPLANE_URL === 'memory:'
      ? []
      : [every('10,30,50 * * * * *', 'hub updates', () => hub.readUntold())]),
    every('20 * * * * *', 'doctor', diagnosis),
    every('30 * * * * *', 'alerts', () => checkAlerts(deps)),
  ]
  const announcing = setInterval(
    () => void track('membership', () => membership.announce()),
    (deps.config.LEASE_S * 1000) / 3,
  )
  void track('recovery', () => recoverForgotten(deps, stopped.signal))

  return {
    async stop(withinMs) {
      stopped.abort()
      clearInterval(announcing)
      await Promise.all(tasks.map((task) => task.destroy()))
      await Promise.race([
        Promise.all([...running, webhooks.idle(), deliveries.idle(), thumbnails.idle()]),
        delay(withinMs, undefined, { ref: false }),
      ])
    },
  }
}

function cronLogger(log: Deps['log']) {
  return {
    info: (message: string) => log.debug({ from: 'cron' }, message),
    // It tells of each second that a round lasts longer than one.
    warn: (message: string) => log.debug({ from: 'cron' }, message),
    error: (message: string | Error) => log.error({ from: 'cron', err: message }, 'background work'),
    debug: (message: string | Error) => log.debug({ from: 'cron' }, String(message)),
  }
}
