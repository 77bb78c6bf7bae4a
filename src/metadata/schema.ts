import type { Generated, Kysely, Selectable, Transaction } from 'kysely'
import type { HubTables } from './schema-hub.ts'

/** Times are ISO 8601 in UTC with milliseconds, so that text order is time order on every engine. */
export type Schema = HubTables & {
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
    /** JSON array of sites that may frame its embeds; null: any. */
    frame_ancestors: string | null
  }
  /** Embeds that were ended one by one, until their tokens end by themselves. */
  revoked_embeds: { id: string; expires_at: string }
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
    /** `/`, or `/` and names with `/` between them. */
    folder: Generated<string>
    external_id: string | null
    /** JSON object; `document_metadata` holds the same for filtering. */
    metadata: Generated<string>
    /** Row in `document_search`. */
    search_row: number | null
  }
  document_metadata: { document_id: string; name: string; value: string }
  /** Kept by triggers on `documents`. */
  document_counts: {
    workspace_id: string
    is_deleted: number
    folder: string
    file_type: string
    count: number
  }
  /** Full text index of SQLite (FTS5). */
  document_search: { rowid: Generated<number>; tag: string; title: string; document_id: string }
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
    /** Blob of the editor JSON that an API client gave with it. */
    json_sha256: string | null
    /** Given by people; a labelled version is never deleted by age. */
    label: string | null
    created_at: string
    updated_at: string
    /** When its bytes were given up; its number stays taken. */
    deleted_at: string | null
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
  /** Creating requests that may be sent again, by caller and `Idempotency-Key`. */
  request_keys: {
    caller_id: string
    key: string
    /** SHA-256 of what was asked. */
    fingerprint: string
    /** Id of whatever the request makes. */
    resource_id: string
    /** Of the answer; null while the request is under way. */
    status: number | null
    /** Encrypted JSON of the answer: it may hold a secret. */
    answer: string | null
    created_at: string
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
  /** Who did what. Ids are UUIDv7 of `at`: their order is that of time. */
  activity: {
    id: string
    workspace_id: string
    document_id: string | null
    actor_id: string
    actor_name: string
    action: string
    /** JSON object. */
    detail: string
    at: string
  }
  webhooks: {
    id: string
    /** The key that made it, and with which it ends. */
    api_key_id: string
    workspace_id: string
    url: string
    created_at: string
    /** The receiver answered 410. */
    disabled_at: string | null
  }
  webhook_events: { webhook_id: string; event: string }
  /** What was or is to be sent; one row for each event and webhook that wants it. */
  webhook_deliveries: {
    /** `alert` for the administrator's. */
    webhook_id: string
    /** The activity's id: one event is delivered to a webhook under one id. */
    id: string
    event: string
    /** JSON, as it is signed and sent. */
    body: string
    state: DeliveryState
    attempts: number
    last_status: number | null
    last_error: string | null
    /** While one attempt is under way: when another process may take over. Null once finished. */
    next_attempt_at: string | null
    created_at: string
    finished_at: string | null
  }
  /** Addresses that let somebody in to one document. */
  links: {
    id: string
    document_id: string
    /** Null when the administrator made it. */
    api_key_id: string | null
    made_by: string
    /** JSON array of grants. */
    grants: string
    /** JSON `{id, name, group?}`: whom it lets in; null: guests, who choose a name. */
    user: string | null
    /** JSON: mode, watermark, groups, customization. */
    options: string
    created_at: string
    expires_at: string | null
    revoked_at: string | null
  }
  /** Who was let in to a session by what, so that taking it back drops them. */
  admissions: {
    session_key: string
    user_id: string
    by: string
    may_edit: number
    at: string
    expires_at: string | null
    /** When its user was dropped because it had ended. */
    dropped_at: string | null
  }
  /** Users that a workspace knows of: named by its clients, or seen in its documents. */
  people: {
    workspace_id: string
    id: string
    name: string
    folded_name: string
    email: string | null
    image: string | null
    /** JSON array of strings. */
    groups: string
    updated_at: string
  }
  favorites: { document_id: string; user_id: string; at: string }
  /** Filled forms, as they were handed in. */
  submissions: {
    id: string
    document_id: string
    /** The save that brought it. */
    save_id: string
    user_id: string
    user_name: string
    sha256: string
    size: number
    file_type: string
    /** Blob of the form's data as JSON; null: Document Server did not give it. */
    data_sha256: string | null
    created_at: string
  }
  /** Forms that were given out to be filled. */
  fillings: {
    document_id: string
    /** JSON array of `{name, color}`: who fills what. */
    roles: string
    started_by: string
    started_at: string
  }
  /** Files given for a document's editor that are no documents: images, until they are fetched. */
  attachments: { sha256: string; document_id: string; expires_at: string }
  /** Documents that are a file somewhere else: saves are delivered back to it. */
  remote_files: {
    document_id: string
    api_key_id: string
    /** What the other side calls it. */
    name_key: string
    /** Encrypted, both: addresses carry tokens. */
    read_url: string
    /** Null: for reading only. */
    write_url: string | null
    write_method: 'PUT' | 'webhook' | null
    /** Extension there. */
    file_type: string
    /** Of the bytes there, as last seen or delivered. */
    sha256: string
    /** Strong one of the same bytes, with its quotes; null: none is known. */
    etag: string | null
    /** JSON array of `{id, type, sha256}`: what was sent since and may have arrived. */
    unanswered: string
    state: RemoteState
    attempts: number
    last_error: string | null
    waiting_since: string | null
    next_attempt_at: string | null
    /** While one attempt is under way: when another process may take over. */
    claimed_until: string | null
    /** What became of our side in the latest conflict. */
    conflict_document_id: string | null
    /** The link is to be forgotten once everything is delivered. */
    ended_at: string | null
    created_at: string
    updated_at: string
  }
  /** Pictures of first pages, made, wanted or failed; one for each content and size. */
  thumbnails: {
    /** Of the drawn content. */
    source_sha256: string
    file_type: string
    /** Pixels. */
    width: number
    /** Of the picture; null: there is none yet. */
    sha256: string | null
    size: number | null
    /** Code of the Problem for which none was made. */
    error: string | null
    attempts: number
    /** While it is being drawn: when another process may take over. Null once that has ended. */
    next_attempt_at: string | null
    updated_at: string
  }
  /** What the administrator was alerted of and is not over yet. */
  alerts: {
    name: string
    raised_at: string
    /** Checks in a row that found nothing wrong. */
    calm_checks: number
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
  | 'json'
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

export type DeliveryState = 'pending' | 'delivered' | 'failed'

export type Database = Kysely<Schema>
/**
 * `current`: both sides hold the same; `waiting`: ours is newer; `failed`: given up; `conflict`: theirs
 * had changed too, ours became a document of its own.
 */
export type RemoteState = 'current' | 'waiting' | 'failed' | 'conflict'

/** Inside a transaction only the transaction may be used: SQLite has one connection. */
export type Tx = Transaction<Schema>

export type DocumentRow = Selectable<Schema['documents']>
export type VersionRow = Selectable<Schema['versions']>
export type SessionRow = Selectable<Schema['sessions']>
export type SaveRow = Selectable<Schema['saves']>
export type ApiKeyRow = Selectable<Schema['api_keys']>
export type ActivityRow = Selectable<Schema['activity']>
export type RemoteFileRow = Selectable<Schema['remote_files']>
export type WebhookRow = Selectable<Schema['webhooks']>
export type ThumbnailRow = Selectable<Schema['thumbnails']>
export type DeliveryRow = Selectable<Schema['webhook_deliveries']>

/** The workspace of the web pages. */
export const DEFAULT_WORKSPACE_ID = '00000000-0000-7000-8000-000000000001'
