import { randomUUID } from 'node:crypto'
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { type S3Address, s3Address } from '../blobs/s3-address.ts'
import { S3Bucket, type TimeLimit } from '../blobs/s3-bucket.ts'
import { nameOf, statusOf } from '../blobs/s3-problem.ts'
import { type Check, failed, passed } from './check.ts'
import type { Run } from './parts.ts'
import { unreachable } from './place.ts'
import { faultOfCode } from './requests.ts'

const ID = 'blobs'
const CREDENTIALS_FIX =
  'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to credentials of the storage of BLOBS_URL.'

/** Writes a small object into the bucket, reads it and deletes it: all that the service needs there. */
export async function blobsCheck({
  config,
  limits,
}: {
  config: Pick<Run['config'], 'BLOBS_URL'>
  limits: Pick<Run['limits'], 'checkMs'>
}): Promise<Check> {
  let address: S3Address
  try {
    address = s3Address(config.BLOBS_URL)
  } catch (error) {
    // It never quotes what may be a secret.
    const evidence = error instanceof Error ? error.message : 'BLOBS_URL cannot be read'
    return failed(ID, evidence, 'Write BLOBS_URL as s3://bucket?endpoint=https://…&region=….')
  }
  const bucket = new S3Bucket(address)
  try {
    return await probe(bucket, address, limits.checkMs * 0.3)
  } finally {
    bucket.close()
  }
}

async function probe(bucket: S3Bucket, address: S3Address, mostMs: number): Promise<Check> {
  const limit: TimeLimit = { tryMs: mostMs, allMs: mostMs }
  const text = randomUUID()
  const object = { Bucket: bucket.name, Key: `${address.prefix}doctor/${text}` }
  let step = 'does not take an object'
  let version: string | undefined
  try {
    const put = new PutObjectCommand({ ...object, Body: text })
    version = (await bucket.callRaw((client, how) => client.send(put, how), limit)).VersionId
    step = 'does not give back an object'
    const get = new GetObjectCommand(object)
    const read = await bucket.callRaw(async (client, how) => {
      const { Body } = await client.send(get, how)
      return Body?.transformToString()
    }, limit)
    if (read !== text) return failed(ID, `${placeOf(address)} gives other bytes than it took`, ENDPOINT_FIX)
    step = 'does not delete an object'
    const remove = (VersionId?: string) => {
      const command = new DeleteObjectCommand({
        ...object,
        ...(VersionId === undefined ? {} : { VersionId }),
      })
      return bucket.callRaw((client, how) => client.send(command, how), limit)
    }
    const { VersionId: marker } = await remove()
    // Of a bucket that keeps versions nothing of it stays, if the credentials allow that: the service needs it nowhere.
    for (const one of [version, marker]) if (one !== undefined) await remove(one).catch(() => {})
    return passed(ID, `${placeOf(address)} takes, gives and deletes objects`)
  } catch (error) {
    return troubleOf(error, address, step)
  }
}

const ENDPOINT_FIX = 'Set endpoint= in BLOBS_URL to the address of the S3 interface of the storage.'

function placeOf({ bucket, endpoint, region }: S3Address): string {
  return `the bucket ${bucket} at ${endpoint ?? `Amazon in ${region}`}`
}

/** By the code of the answer. Source: Amazon S3 API, Error responses. */
function refusalFix(code: string, { bucket }: S3Address): string | undefined {
  switch (code) {
    case 'NoSuchBucket':
      return `Make the bucket ${bucket}, or name the right one in BLOBS_URL.`
    case 'InvalidAccessKeyId':
    case 'SignatureDoesNotMatch':
    case 'CredentialsProviderError':
    case 'ExpiredToken':
    case 'InvalidToken':
      return CREDENTIALS_FIX
    case 'RequestTimeTooSkewed':
      return 'Set the clocks of this machine and of the storage by a time server.'
    case 'AuthorizationHeaderMalformed':
    case 'PermanentRedirect':
    case 'IllegalLocationConstraintException':
      return 'Set region= in BLOBS_URL to the region of the bucket.'
    default:
      return undefined
  }
}

function troubleOf(error: unknown, address: S3Address, step: string): Check {
  const name = nameOf(error)
  const status = statusOf(error)
  const place = placeOf(address)
  const known = refusalFix(name, address)
  if (known !== undefined) return failed(ID, `${place} ${step} (${name})`, known)
  if (status === undefined) {
    const fault = faultOfCode(codeOf(error))
    const { evidence, fix } = unreachable(fault, 'BLOBS_URL', 'S3', place)
    return failed(ID, evidence, fault.kind === 'other' ? ENDPOINT_FIX : fix)
  }
  const seen = `${place} ${step} (${name}, HTTP ${status})`
  if (status === 401 || status === 403) {
    const fix = `Give the credentials in AWS_ACCESS_KEY_ID the right to list the bucket ${address.bucket} and to put, get and delete its objects.`
    return failed(ID, seen, fix)
  }
  if (status === 507 || /Full|Quota/.test(name))
    return failed(ID, seen, 'Free room in the storage of BLOBS_URL.')
  if (status >= 500) return failed(ID, seen, 'Look into the log of the storage of BLOBS_URL for the reason.')
  return failed(ID, seen, ENDPOINT_FIX)
}

/** Of the operating system, or what the SDK calls the end of its patience. */
function codeOf(error: unknown): string {
  if (['AbortError', 'TimeoutError'].includes(nameOf(error))) return 'ETIMEDOUT'
  return error instanceof Error && 'code' in error ? String(error.code) : nameOf(error)
}
