import type { Generated } from 'kysely'

/** Tables of what is shared in real time. */
export type HubTables = {
  /** What people edited together in one epoch of a document: a snapshot, then the log in `updates`. */
  shared_states: {
    document_id: string
    /** From 1; another one begins when the content is replaced. */
    epoch: number
    last_seq: number
    /** Yjs update V1 of everything up to `snapshot_seq`. */
    snapshot: Uint8Array | null
    /** State vector of the snapshot. */
    snapshot_vector: Uint8Array | null
    snapshot_seq: number
    snapshot_bytes: number
    /** How many the log holds. */
    log_updates: number
    log_bytes: number
    ended_at: string | null
  }
  /** Yjs updates that no snapshot holds yet; a row for those that one commit brought. */
  updates: {
    document_id: string
    epoch: number
    /** Of the last one in the row; they follow each other without a gap. */
    seq: number
    count: number
    /** The updates one after the other, each after its length (lib0). */
    data: Uint8Array
    at: string
  }
  /** Updates that could not be applied; an empty one took their place in the log. */
  quarantined_updates: {
    id: string
    document_id: string
    epoch: number
    data: Uint8Array
    reason: string
    at: string
  }
  /** PostgreSQL: who may work on what, of all nodes one at a time. */
  leases: {
    name: string
    /** Of one taking; whatever its holder writes, it writes only while this is here. */
    token: string
    /** By the clock of the database. */
    expires_ms: number
  }
  /** Blobs in S3 that are being deleted now. */
  blob_deletions: {
    sha256: string
    /** Of one deletion. */
    token: Generated<string>
    /** By the clock of the database. */
    since_ms: number
  }
  /** PostgreSQL: processes that work on this database now. */
  nodes: {
    /** Random, another one after a restart. */
    instance: string
    /** `NODE_NAME`. */
    name: string
    /** What all nodes must have the same, as JSON: digests by the names of settings. */
    settings: Generated<string>
    /** By the clock of the database, both. */
    since_ms: number
    expires_ms: number
  }
  /** Who is connected to a document's hub. */
  room_members: {
    connection_id: string
    document_id: string
    user_id: string
    user_name: string
    user_color: string
    joined_at: string
    expires_at: string
    node: string
  }
}
