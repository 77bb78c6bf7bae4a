import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'

export type AuditedVersion = {
  id: string
  documentId: string
  number: number
  kind: string
  sessionKey: string | null
  sha256: string
  isHead: boolean
}
export type AuditedSave = { key: string; status: number; state: string; sha256: string | null }

export type Audit = {
  /** Everything that is torn or contradicts itself, in words; empty when all is sound. */
  faults: string[]
  /** In the order of document and number. */
  versions: AuditedVersion[]
  saves: AuditedSave[]
  /** Files of uploads and downloads that did not end. */
  staged: string[]
}

/**
 * Reads a data folder past the service, while it runs or after its death: is every row whole and
 * does every blob that a row mentions hold what its name says?
 *
 * @param verified addresses whose bytes were hashed by an earlier audit; grows
 */
export function auditStorage(dataDir: string, verified = new Set<string>()): Audit {
  const database = new Sqlite(join(dataDir, 'metadata.sqlite'), { readonly: true, timeout: 2000 })
  try {
    // One snapshot for all that follows.
    database.exec('begin')
    const faults = [
      ...integrityFaults(database),
      ...rowFaults(database),
      ...blobFaults(database, dataDir, verified),
    ]
    const versions = database
      .prepare<[], Omit<AuditedVersion, 'isHead'> & { isHead: number }>(
        `select v.id, document_id as documentId, number, kind, session_key as sessionKey, sha256,
                v.id = d.head_version_id as isHead
         from versions v join documents d on d.id = v.document_id order by document_id, number`,
      )
      .all()
      .map((row) => ({ ...row, isHead: row.isHead === 1 }))
    const saves = database
      .prepare<[], AuditedSave>('select key, status, state, sha256 from saves order by received_at, id')
      .all()
    return { faults, versions, saves, staged: readdirSync(join(dataDir, 'tmp')) }
  } finally {
    database.close()
  }
}

export function sha256Of(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function integrityFaults(database: Sqlite.Database): string[] {
  const integrity = database.pragma('integrity_check', { simple: true })
  const foreign = database.pragma('foreign_key_check') as unknown[]
  return [
    ...(integrity === 'ok' ? [] : [`integrity_check: ${String(integrity)}`]),
    ...foreign.map((row) => `foreign_key_check: ${JSON.stringify(row)}`),
  ]
}

/** Each query finds rows that must not be. */
const CONTRADICTIONS = {
  'version numbers with a gap': `select d.id from documents d join versions v on v.document_id = d.id group by d.id
    having min(v.number) <> 1 or max(v.number) <> count(*) or max(v.number) <> d.last_version_number`,
  'document without versions': 'select id from documents where id not in (select document_id from versions)',
  'head that is no version of its document': `select d.id from documents d
    left join versions v on v.id = d.head_version_id and v.document_id = d.id where v.id is null`,
  'head beside the line of versions': `select d.id from documents d join versions v on v.id = d.head_version_id
    where v.kind in ('conflict', 'recovery')`,
  'document that differs from its head': `select d.id from documents d join versions v on v.id = d.head_version_id
    where v.size <> d.size or v.file_type <> d.file_type`,
  'draft outside its session': `select v.id from versions v left join sessions s on s.draft_version_id = v.id
    where v.kind = 'draft' and s.key is null`,
  'session whose draft is none': `select s.key from sessions s left join versions v on v.id = s.draft_version_id
    where s.draft_version_id is not null and (v.kind is null or v.kind <> 'draft')`,
  'session whose latest save is not stored': `select s.key from sessions s left join saves a on a.id = s.latest_save_id
    where s.latest_save_id is not null and (a.state is null or a.state <> 'stored')`,
  'two sessions on one head': `select document_id as id from sessions where superseded_at is null
    group by document_id having count(*) > 1`,
}

function rowFaults(database: Sqlite.Database): string[] {
  return Object.entries(CONTRADICTIONS).flatMap(([what, sql]) =>
    database
      .prepare(sql)
      .pluck()
      .all()
      .map((id) => `${what}: ${String(id)}`),
  )
}

function blobFaults(database: Sqlite.Database, dataDir: string, verified: Set<string>): string[] {
  const mentioned = database
    .prepare<[], string>(
      `select sha256 from versions union select changes_sha256 from versions where changes_sha256 is not null
       union select sha256 from saves where sha256 is not null`,
    )
    .pluck()
    .all()
  return mentioned.flatMap((sha256) => {
    if (verified.has(sha256)) return []
    try {
      const found = sha256Of(readFileSync(join(dataDir, 'blobs', sha256.slice(0, 2), sha256)))
      if (found !== sha256) return [`torn blob: ${sha256}`]
      verified.add(sha256)
      return []
    } catch (error) {
      return [`unreadable blob: ${sha256} ${String(error)}`]
    }
  })
}
