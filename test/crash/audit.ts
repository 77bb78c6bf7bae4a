import { createHash } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import PQueue from 'p-queue'
import { openStorage, type Storage } from './storage.ts'

const READ_AT_ONCE = 8

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
 * Reads rows and blobs past the service, while it runs or after its death: is every row whole and does
 * every blob that a row mentions hold what its name says?
 *
 * @param verified addresses whose bytes were hashed by an earlier audit; grows
 */
export async function auditStorage(dataDir: string, verified = new Set<string>()): Promise<Audit> {
  await using storage = await openStorage(dataDir)
  const faults = [
    ...(await storage.damages()),
    ...(await rowFaults(storage)),
    ...(await blobFaults(storage, verified)),
  ]
  const versions = await storage.rows<AuditedVersion>(
    `select v.id, document_id as "documentId", number, kind, session_key as "sessionKey", sha256,
            v.id = d.head_version_id as "isHead"
     from versions v join documents d on d.id = v.document_id order by document_id, number`,
  )
  const saves = await storage.rows<AuditedSave>(
    'select key, status, state, sha256 from saves order by received_at, id',
  )
  return {
    faults,
    versions: versions.map((row) => ({ ...row, isHead: Boolean(row.isHead) })),
    saves,
    staged: readdirSync(join(dataDir, 'tmp')),
  }
}

export function sha256Of(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
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

async function rowFaults(storage: Storage): Promise<string[]> {
  const faults: string[] = []
  for (const [what, sql] of Object.entries(CONTRADICTIONS)) {
    for (const row of await storage.rows<object>(sql)) faults.push(`${what}: ${Object.values(row).join()}`)
  }
  return faults
}

async function blobFaults(storage: Storage, verified: Set<string>): Promise<string[]> {
  const mentioned = await storage.rows<{ sha256: string }>(
    `select sha256 from versions union select changes_sha256 from versions where changes_sha256 is not null
     union select sha256 from saves where sha256 is not null`,
  )
  const faults: string[] = []
  const queue = new PQueue({ concurrency: READ_AT_ONCE })
  for (const { sha256 } of mentioned) {
    if (verified.has(sha256)) continue
    queue.add(async () => {
      try {
        if (sha256Of(await storage.blob(sha256)) === sha256) verified.add(sha256)
        else faults.push(`torn blob: ${sha256}`)
      } catch (error) {
        faults.push(`unreadable blob: ${sha256} ${String(error)}`)
      }
    })
  }
  await queue.onIdle()
  return faults
}
