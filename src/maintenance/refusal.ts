export type RefusalCode =
  | 'backup-incomplete'
  | 'backup-unreadable'
  | 'blob-damaged'
  | 'copy-differs'
  | 'data-missing'
  | 'database-damaged'
  | 'development-only'
  | 'disk-full'
  | 'document-server-missing'
  | 'engine-unsuitable'
  | 'folder-in-use'
  | 'folder-not-empty'
  | 'folder-unsuitable'
  | 'not-found'
  | 'schema-older'
  | 'service-running'
  | 'storage-failed'
  | 'target-in-use'
  | 'target-is-source'
  | 'target-newer'
  | 'target-unusable'

/** Why a command does not do, or not finish, what it was asked; for the operator to act on. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly code: RefusalCode

  constructor(code: RefusalCode, detail: string, options?: ErrorOptions) {
    super(detail, options)
    this.code = code
  }
}

/** Whether the disk, or what a user may take of it, is full: said by the system or by SQLite, whoever wrapped it. */
export function isDiskFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if ('code' in error && ['ENOSPC', 'EDQUOT', 'SQLITE_FULL'].includes(String(error.code))) return true
  return isDiskFull(error.cause)
}

/** Whether SQLite says that the file is no longer what it wrote. Source: sqlite.org/rescode.html. */
export function isDatabaseDamaged(error: unknown): error is Error {
  return isOfSqlite(error) && /^SQLITE_(CORRUPT|NOTADB)/.test(error.code)
}

export function isOfSqlite(error: unknown): error is Error & { code: string } {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_')
}
