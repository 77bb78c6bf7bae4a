import * as Y from 'yjs'

/** Merging so many at once is quick; the time of merging grows with the square of their number. */
const MERGED_AT_ONCE = 64

export type Merged = {
  /** Yjs update V1. */
  update: Uint8Array
  stateVector: Uint8Array
  /** Places of those updates that could not be applied; the rest is merged without them. */
  unusable: number[]
}

/**
 * The state that a snapshot and the updates after it make, what still lacks something included.
 *
 * @throws what Yjs throws, when it is not known of which update
 */
export function mergeUpdates(snapshot: Uint8Array | null, updates: Uint8Array[]): Merged {
  const unusable = new Set<number>()
  for (;;) {
    const doc = new Y.Doc()
    const failed = applyAll(doc, snapshot, updates, unusable)
    if (failed === undefined) return { ...encode(doc), unusable: [...unusable] }
    // What was half applied spoils the doc.
    unusable.add(failed)
  }
}

/** @returns place of an update that cannot be applied */
function applyAll(
  doc: Y.Doc,
  snapshot: Uint8Array | null,
  updates: Uint8Array[],
  without: Set<number>,
): number | undefined {
  let place: number | undefined
  const pending: Uint8Array[] = []
  try {
    doc.transact(() => {
      if (snapshot !== null) Y.applyUpdate(doc, snapshot)
      for (const [index, update] of updates.entries()) {
        if (without.has(index)) continue
        // Yjs would merge all that lacks something anew with each update.
        setPendingAside(doc, pending)
        place = index
        Y.applyUpdate(doc, update)
      }
      place = undefined
      setPendingAside(doc, pending)
      if (pending.length > 0) Y.applyUpdateV2(doc, mergeMany(pending))
    })
  } catch (error) {
    if (place === undefined) throw error
  }
  return place
}

function setPendingAside({ store }: Y.Doc, pending: Uint8Array[]): void {
  if (store.pendingStructs !== null) pending.push(store.pendingStructs.update)
  if (store.pendingDs !== null) pending.push(store.pendingDs)
  store.pendingStructs = null
  store.pendingDs = null
}

/** Of updates V2. */
function mergeMany(updates: Uint8Array[]): Uint8Array {
  let level = updates
  do {
    const next: Uint8Array[] = []
    for (let at = 0; at < level.length; at += MERGED_AT_ONCE) {
      next.push(Y.mergeUpdatesV2(level.slice(at, at + MERGED_AT_ONCE)))
    }
    level = next
  } while (level.length > 1)
  return level[0] ?? new Uint8Array()
}

function encode(doc: Y.Doc): Omit<Merged, 'unusable'> {
  const update = Y.encodeStateAsUpdate(doc)
  // Reads every struct: what cannot be read again must not take the place of a log.
  Y.encodeStateVectorFromUpdate(update)
  return { update, stateVector: Y.encodeStateVector(doc) }
}
