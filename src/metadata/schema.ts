import type { Generated, Kysely, Selectable, Transaction } from 'kysely'

/** Times are ISO 8601 in UTC with milliseconds, so that text order is time order on every engine. */
export type Schema = {
  installation: { id: number; key_prefix: string }
  workspaces: { id: string; name: string; created_at: string }
  api_keys: {
    id: string
    workspace_id: string
    name: string
    api_key: string
    /** SHA-256 in hex: the secret is random, so a slow hash would add nothing. */
    secret_hash: string
    /** JSON array of strings. */
    permissions: string
    created_at: string
    revoked_at: string | null
    last_used_at: string | null
    expires_at: string | null
    previous_secret_hash: string | null
    previous_secret_until: string | null
  }
  sign_in_links: { token_hash: string; expires_at: string }
  documents: {
    id: string
    workspace_id: string
    /** Without an extension. */
    title: string
    /** For searching: without case and diacritics. */
    folded_title: Generated<string>
    /** Extension of the head's bytes, lower case. */
    file_type: string
    head_version_id: string
    last_version_number: number
    /** Bytes of the head. */
    size: number
    created_by: string
    created_at: string
    updated_at: string
    deleted_at: string | null
  }
  versions: {
    id: string
    document_id: string
    number: number
    kind: VersionKind
    /** Key of the session that wrote it; null for uploads and the like. */
    session_key: string | null
    /** The key under which a session on this version runs. */
    key: string
    sha256: string
    size: number
    file_type: string
    author_id: string
    author_name: string
    description: string | null
    changes_sha256: string | null
    /** `history` of the callback, JSON. */
    history: string | null
    created_at: string
    updated_at: string
  }
  sessions: {
    key: string
    document_id: string
    base_version_id: string
    draft_version_id: string | null
    conflict_version_id: string | null
    recovery_version_id: string | null
    latest_save_id: string | null
    /** The version that holds the newest stored content; null: the base. */
    content_version_id: string | null
    /** JSON array of user ids that Document Server named last. */
    editors: string
    opened_at: string
    superseded_at: string | null
    /** When an edit config was last issued. */
    config_issued_at: string | null
    last_callback_at: string | null
    /** Null while the session is off the tick. */
    next_forcesave_at: string | null
  }
  saves: {
    id: string
    key: string
    document_id: string
    node: string
    status: number
    forcesave_type: number | null
    /** Of the last change included, whole seconds in practice. */
    lastsave: string | null
    /** The address without its query, which carries a signature. */
    url_path: string | null
    userdata: string | null
    author_id: string
    state: SaveState
    outcome: SaveOutcome | null
    /** Code of the Problem that ended it. */
    error: string | null
    file_type: string | null
    sha256: string | null
    size: number | null
    version_id: string | null
    received_at: string
    finished_at: string | null
  }
  /** Who joined by REST. */
  presence: {
    document_id: string
    user_id: string
    session_id: string
    user_name: string
    joined_at: string
    expires_at: string
  }
  /** Forgotten files with our prefix that could not be brought home yet. */
  forgotten: {
    key: string
    reason: string
    /** Length and Last-Modified of the file when it was last looked into; another one is a new file. */
    fingerprint: string | null
    first_seen_at: string
    last_seen_at: string
  }
}

/**
 * `draft`: moved by forced saves, becomes `cut` or `final`. `conflict` and `recovery` are never head.
 */
export type VersionKind =
  | 'created'
  | 'upload'
  | 'draft'
  | 'cut'
  | 'final'
  | 'restored'
  | 'renamed'
  | 'conflict'
  | 'recovery'

/**
 * `receiving`: in flight; `failed`: we answered that we do not have it; `resolved`: failed, but a
 * later save of the key brought the edits home.
 */
export type SaveState = 'receiving' | 'stored' | 'failed' | 'resolved'

/**
 * What a stored save became. `finalized`: nothing new, but it closed its session; `duplicate` and
 * `outdated` moved no version, the bytes of an outdated one are kept for its row.
 */
export type SaveOutcome =
  | 'draft'
  | 'cut'
  | 'final'
  | 'finalized'
  | 'conflict'
  | 'recovery'
  | 'duplicate'
  | 'outdated'

export type Database = Kysely<Schema>
/** Inside a transaction only the transaction may be used: SQLite has one connection. */
export type Tx = Transaction<Schema>

export type DocumentRow = Selectable<Schema['documents']>
export type VersionRow = Selectable<Schema['versions']>
export type SessionRow = Selectable<Schema['sessions']>
export type SaveRow = Selectable<Schema['saves']>
export type ApiKeyRow = Selectable<Schema['api_keys']>

/** The workspace of the web pages. */
export const DEFAULT_WORKSPACE_ID = '00000000-0000-7000-8000-000000000001'
