import { S3ServiceException } from '@aws-sdk/client-s3'
import { Problem } from '../errors.ts'

/** HTTP status of an answer of S3; undefined when none came. */
export function statusOf(error: unknown): number | undefined {
  return error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined
}

/** Like `NoSuchKey`; what S3 or the SDK calls the failure. */
export function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : 'Error'
}

/**
 * A failure of S3 that says what went wrong and nothing else: errors of the SDK also carry what was
 * signed, the signature and the access key, and loggers write all that an error carries.
 */
export function s3Unavailable(error: unknown): Problem {
  if (error instanceof Problem) return error
  const cause = new Error(`S3: ${reasonOf(error)}`)
  return new Problem('storage-unavailable', undefined, { cause, retryAfterS: 5 })
}

function reasonOf(error: unknown): string {
  const status = statusOf(error)
  if (error instanceof S3ServiceException) {
    const { requestId } = error.$metadata
    return `${error.name}, HTTP ${status}${requestId === undefined ? '' : `, request ${requestId}`}`
  }
  const code = error instanceof Error && 'code' in error ? `, ${error.code}` : ''
  return `${nameOf(error)}${code}`
}

export function incomplete(call: string): Error {
  return Object.assign(new Error(), { name: `the answer to ${call} is incomplete` })
}
