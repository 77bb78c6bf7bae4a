import { isProblem, Problem } from '../errors.ts'

/** Codes of failures after which the whole transaction may be run again. Source: PostgreSQL, Appendix A. */
const SERIALIZATION_FAILURE = '40001'
const DEADLOCK_DETECTED = '40P01'
const UNIQUE_VIOLATION = '23505'

/** The server ended the connection, or does not take any: it stops, starts, or has too many. */
const AWAY = new Set(['57P01', '57P02', '57P03', '53300', '25P03'])

/** Of the operating system and of pg itself. */
const LOST = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EPIPE',
  'ETIMEDOUT',
])

/** Another transaction came between: this one has done nothing, and may be run again. */
export function isConflict(error: unknown): boolean {
  const code = codeOf(error)
  return code === SERIALIZATION_FAILURE || code === DEADLOCK_DETECTED
}

/** Two made the same at once: run again, the later one sees what the earlier one made. */
export function isDuplicate(error: unknown): boolean {
  return codeOf(error) === UNIQUE_VIOLATION
}

/** The connection is gone, or there is none to be had. */
export function isConnectionLost(error: unknown): boolean {
  if (isProblem(error, 'storage-unavailable')) return isConnectionLost(error.cause)
  const code = codeOf(error)
  if (code !== undefined) return AWAY.has(code) || LOST.has(code) || code.startsWith('08')
  // pg gives these no code.
  return (
    error instanceof Error &&
    /^(Connection terminated|timeout expired|timeout exceeded|Client has encountered a connection error|Query read timeout|Client was closed)/.test(
      error.message,
    )
  )
}

/** Nothing of a transaction can be kept after this. */
export function mustRunAgain(error: unknown): boolean {
  return isConflict(error) || isConnectionLost(error)
}

/** What callers are told of a lost connection; other errors stay as they are. */
export function told(error: unknown): unknown {
  if (!isConnectionLost(error) || isProblem(error)) return error
  return new Problem('storage-unavailable', 'the database does not answer', { cause: error, retryAfterS: 5 })
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}
