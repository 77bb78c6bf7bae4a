import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { isPostgres } from '../metadata/engine.ts'
import {
  announceNode,
  failSavesOfLostNodes,
  forgetNode,
  liveNodes,
  liveSettings,
  type NodeRow,
  type SharedSettings,
} from '../metadata/nodes.ts'
import { failInterrupted } from '../metadata/saves.ts'
import type { Database } from '../metadata/schema.ts'
import type { Deps } from './deps.ts'

const LATE_MS = 1000
const ASK_AGAIN_MS = 250

type NodeDeps = Pick<Deps, 'database' | 'config' | 'clock' | 'log'>

export type Membership = {
  /** The same after a restart of the same node. */
  instance: string
  /** To be called more often than every third of `LEASE_S`: others take over what a silent node was doing. */
  announce(): Promise<void>
  leave(): Promise<void>
}

/**
 * Takes this process up among the nodes, and takes over what processes that ended were doing. SQLite
 * has one service, so all that is in flight when it starts is left over.
 *
 * @throws Error when another node works on the database under our name, or one that we could not hear or
 *   whose blobs we could not see, or with another secret
 */
export async function joinNodes(deps: NodeDeps, settings: SharedSettings): Promise<Membership> {
  const { database, config, clock, log } = deps
  if (!isPostgres(database)) {
    warnOf(log, await failInterrupted(database, clock().toISOString()))
    return { instance: '', async announce() {}, async leave() {} }
  }
  const node = { instance: instanceOf(config.DATA_DIR), name: config.NODE_NAME, settings }
  const forMs = config.LEASE_S * 1000
  demandShared(config, await othersOf(database, node, forMs))
  const { instance } = node
  demandSame(settings, await liveSettings(database, { but: instance }))
  await announceNode(database, node, forMs)
  try {
    // Of two that start at the same time the first may stay.
    demandSame(settings, await liveSettings(database, { but: instance, joinedBefore: instance }))
  } catch (error) {
    await forgetNode(database, instance)
    throw error
  }
  // What a process of this name was doing, it does no more.
  warnOf(log, await failInterrupted(database, clock().toISOString(), node.name))
  return {
    instance: node.instance,
    async announce() {
      await announceNode(database, node, forMs)
      const now = clock().toISOString()
      warnOf(log, await failSavesOfLostNodes(database, { instance: node.instance, listenedMs: forMs, now }))
    },
    leave: () => forgetNode(database, node.instance),
  }
}

/** One process has the folder at a time, so one that had it before has ended. */
export function instanceOf(dataDir: string): string {
  const path = join(dataDir, 'node')
  if (!existsSync(path)) writeFileSync(path, randomUUID(), { mode: 0o600 })
  return readFileSync(path, 'utf8')
}

/** One of our name may be a process that ended without a word: it is given up when its time is up. */
async function othersOf(database: Database, node: NodeRow, forMs: number): Promise<string[]> {
  const until = performance.now() + forMs + LATE_MS
  for (;;) {
    const others = await liveNodes(database, { but: node.instance })
    if (!others.includes(node.name)) return others
    if (performance.now() > until)
      throw new Error(`another node is named ${node.name}: give each a NODE_NAME of its own`)
    await delay(ASK_AGAIN_MS)
  }
}

function demandShared({ BLOBS_URL, BACKPLANE_URL }: Deps['config'], [other]: string[]): void {
  if (other === undefined) return
  if (BLOBS_URL.startsWith('s3:') && BACKPLANE_URL !== 'memory:') return
  throw new Error(
    `the node ${other} works on this database: several nodes need BLOBS_URL=s3://… and BACKPLANE_URL=redis://…`,
  )
}

function demandSame(own: SharedSettings, others: { name: string; settings: SharedSettings }[]): void {
  for (const { name: other, settings } of others) {
    // Nodes of an earlier release say nothing.
    const different = Object.keys(own).find((name) => (settings[name] ?? own[name]) !== own[name])
    if (different !== undefined)
      throw new Error(`${different} is not that of the node ${other}, which works on this database, too`)
  }
}

function warnOf(log: Deps['log'], interrupted: number): void {
  if (interrupted === 0) return
  log.warn({ interrupted }, 'saves were in flight when a process ended; Document Server holds them')
}
