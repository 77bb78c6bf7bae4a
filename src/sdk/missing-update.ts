import * as Y from 'yjs'

/** What the server has, with what it has of deletions. */
export type ServerState = { vector: Uint8Array; snapshot: Y.Snapshot }

/**
 * @param vector the server's state vector
 * @param update V1 that the server answered to our state vector; it holds all of its deletions
 */
export function serverStateOf(vector: Uint8Array, update: Uint8Array): ServerState {
  const deleted = Y.mergeDeleteSets([Y.decodeUpdate(update).ds])
  return { vector, snapshot: Y.createSnapshot(deleted, Y.decodeStateVector(vector)) }
}

/**
 * What the server lacks of a document; undefined if it has all.
 *
 * A difference by state vector always holds every deletion, known or not: only with the deletions
 * that the server told of it can be seen whether there is anything to send.
 */
export function missingUpdate(doc: Y.Doc, { vector, snapshot }: ServerState): Uint8Array | undefined {
  const missing = integratedUpdate(doc, vector)
  return Y.snapshotContainsUpdate(snapshot, missing) ? undefined : missing
}

/**
 * What a document has, without what still lacks something: whoever made that sends the rest, and until
 * then no state vector shows it.
 *
 * @param vector state vector of somebody who needs only what is not in it
 */
export function integratedUpdate(doc: Y.Doc, vector?: Uint8Array): Uint8Array {
  const { store } = doc
  const { pendingStructs, pendingDs } = store
  store.pendingStructs = null
  store.pendingDs = null
  try {
    return Y.encodeStateAsUpdate(doc, vector)
  } finally {
    store.pendingStructs = pendingStructs
    store.pendingDs = pendingDs
  }
}
