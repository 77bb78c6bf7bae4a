import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { isPostgres } from '../metadata/engine.ts'
import { demandLease, endLease, renewLease, takeLease } from '../metadata/leases.ts'
import type { Database, Tx } from '../metadata/schema.ts'
import type { Deps } from './deps.ts'
import { KeyLocks } from './key-locks.ts'

const SHORTEST_WAIT_MS = 10
const LONGEST_WAIT_MS = 250

export type Held = {
  /**
   * To be called in each transaction that ends the work: a node that was paused for longer than its
   * lease does no harm when it goes on.
   *
   * @throws Problem `lease-lost`
   */
  demand(tx: Tx): Promise<void>
}

type Work<T> = (held: Held) => Promise<T>

/** Work of one name runs on one node at a time. */
export type Locks = {
  /** Waits for others: one after the other. */
  run<T>(name: string, work: Work<T>): Promise<T>
  /** @returns undefined, at once, when the work of this name is under way */
  tryRun<T>(name: string, work: Work<T>): Promise<{ value: T } | undefined>
  /** For rounds: whoever ran the last one runs the next one, unless nobody has for `idleMs`. */
  round(name: string, idleMs: number, work: Work<unknown>): Promise<void>
}

const ALONE: Held = { async demand() {} }

type LockDeps = Pick<Deps, 'database' | 'config' | 'log'>

/**
 * SQLite has one service; of the nodes on PostgreSQL each holds a lease in the database.
 *
 * @param instance the same after a restart of the same node: it goes on with its rounds
 */
export function createLocks(deps: LockDeps, instance: string = randomUUID()): Locks {
  return isPostgres(deps.database) ? sharedLocks(deps, instance) : localLocks()
}

function localLocks(): Locks {
  const local = new KeyLocks()
  return {
    run: (name, work) => local.run(name, () => work(ALONE)),
    async tryRun(name, work) {
      return local.isHeld(name) ? undefined : { value: await local.run(name, () => work(ALONE)) }
    },
    async round(_name, _idleMs, work) {
      await work(ALONE)
    },
  }
}

function sharedLocks(deps: LockDeps, instance: string): Locks {
  const local = new KeyLocks()
  const forMs = deps.config.LEASE_S * 1000
  return {
    run: (name, work) =>
      local.run(name, async () => {
        const lease = await taken(deps.database, name, forMs)
        return holding(deps, lease, forMs, work).finally(() => end(deps, lease))
      }),
    async tryRun(name, work) {
      const lease = { name, token: randomUUID() }
      if (!(await takeLease(deps.database, lease, forMs))) return undefined
      return { value: await holding(deps, lease, forMs, work).finally(() => end(deps, lease)) }
    },
    async round(name, idleMs, work) {
      const lease = { name: `round ${name}`, token: instance }
      if (await takeLease(deps.database, lease, idleMs)) await holding(deps, lease, idleMs, work)
    },
  }
}

type Lease = { name: string; token: string }

async function holding<T>(
  { database, log }: LockDeps,
  lease: Lease,
  forMs: number,
  work: Work<T>,
): Promise<T> {
  const renewing = setInterval(() => {
    // Lost or late, the last transaction finds out.
    renewLease(database, lease, forMs).catch((error: unknown) => {
      log.warn({ err: error, lease: lease.name }, 'lease not renewed')
    })
  }, forMs / 3)
  try {
    return await work({ demand: (tx) => demandLease(tx, lease) })
  } finally {
    clearInterval(renewing)
  }
}

async function end({ database, log }: LockDeps, lease: Lease): Promise<void> {
  // One that stays runs out.
  await endLease(database, lease).catch((error: unknown) => {
    log.warn({ err: error, lease: lease.name }, 'lease not ended')
  })
}

async function taken(database: Database, name: string, forMs: number): Promise<Lease> {
  const lease = { name, token: randomUUID() }
  for (let waitMs = SHORTEST_WAIT_MS; ; waitMs = Math.min(LONGEST_WAIT_MS, waitMs * 2)) {
    if (await takeLease(database, lease, forMs)) return lease
    await delay(waitMs * (0.5 + Math.random()))
  }
}
