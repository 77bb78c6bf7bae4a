import { Problem } from '../../errors.ts'
import type { Tx } from '../../metadata/schema.ts'
import {
  allocateUpdates,
  beginEpoch,
  type Epoch,
  epochsOf,
  insertUpdates,
  isUndeleted,
} from '../../metadata/updates.ts'
import { packUpdates } from './packed-updates.ts'

export type StoreLimits = {
  /** Snapshot and log of one document. */
  mostStateBytes: number
}

export type Stored = {
  /** Of the first one. */
  seq: number
  /** The log as it is now. */
  log: { updates: number; bytes: number }
}

/**
 * Puts updates of one epoch at the end of its log, all or none.
 *
 * @returns Problem `document-not-found`, `document-restored`, `shared-state-too-large` when refused
 */
export async function storeUpdates(
  tx: Tx,
  group: (Epoch & { update: Uint8Array })[],
  at: string,
  { mostStateBytes }: StoreLimits,
): Promise<Stored | Problem> {
  const [epoch] = group
  if (epoch === undefined) throw new Error('no updates to store')
  const data = packUpdates(group.map(({ update }) => update))
  const wanted = { count: group.length, bytes: data.byteLength, mostBytes: mostStateBytes }
  let state = await allocateUpdates(tx, epoch, wanted)
  if (state === undefined) {
    const refusal = await beginOrRefuse(tx, epoch)
    if (refusal !== undefined) return refusal
    state = await allocateUpdates(tx, epoch, wanted)
    if (state === undefined) return new Problem('shared-state-too-large')
  }
  await insertUpdates(tx, {
    document_id: epoch.documentId,
    epoch: epoch.epoch,
    seq: state.last_seq,
    count: group.length,
    data,
    at,
  })
  return {
    seq: state.last_seq - group.length + 1,
    log: { updates: state.log_updates, bytes: state.log_bytes },
  }
}

/** @returns undefined when the epoch is under way, or has just begun as the document's first */
async function beginOrRefuse(tx: Tx, { documentId, epoch }: Epoch): Promise<Problem | undefined> {
  if (!(await isUndeleted(tx, documentId))) return new Problem('document-not-found')
  const [newest] = await epochsOf(tx, documentId)
  if (newest === undefined && epoch === 1) {
    await beginEpoch(tx, { documentId, epoch })
    return undefined
  }
  const isCurrent = newest !== undefined && newest.epoch === epoch && newest.ended_at === null
  return isCurrent ? undefined : new Problem('document-restored')
}
