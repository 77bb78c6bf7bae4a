import { HeadBucketCommand, S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'
import { ignore } from './file-bytes.ts'
import type { S3Address } from './s3-address.ts'
import { s3Unavailable } from './s3-problem.ts'

/** Milliseconds that one try may take, and all tries together. */
export type TimeLimit = { tryMs: number; allMs: number }

const CALL: TimeLimit = { tryMs: 20_000, allMs: 60_000 }
/** Of calls that carry megabytes, or make S3 move them. */
export const SENDING: TimeLimit = { tryMs: 120_000, allMs: 360_000 }
const PROBE: TimeLimit = { tryMs: 3000, allMs: 3000 }
const CONNECT_MS = 5000
const TRIES = 3
/** Readers at their own pace hold one each. */
const CONNECTIONS = 256
const SILENT = { trace: ignore, debug: ignore, info: ignore, warn: ignore, error: ignore }

type Call<T> = (client: S3Client, how: { abortSignal: AbortSignal; requestTimeout: number }) => Promise<T>

/** Calls to the store of one bucket: each with a time limit, tried again a few times where that may help. */
export class S3Bucket {
  readonly name: string
  readonly #client: S3Client
  /** Tries once. */
  readonly #once: S3Client

  /** The store need not know conditional writes, DeleteObjects, or checksums of Amazon's own. */
  constructor({ bucket, endpoint, region, isPathStyle }: S3Address) {
    this.name = bucket
    const agent = { keepAlive: true, maxSockets: CONNECTIONS }
    const settings: S3ClientConfig = {
      region,
      ...(endpoint === undefined ? {} : { endpoint }),
      forcePathStyle: isPathStyle,
      maxAttempts: TRIES,
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      // With it, each large request would open a connection of its own and wait for leave.
      expectContinueHeader: false,
      // By default it writes to the console.
      logger: SILENT,
      requestHandler: {
        connectionTimeout: CONNECT_MS,
        throwOnRequestTimeout: true,
        // A connection is idle also while a slow reader keeps us from taking more: see s3-stream.ts.
        socketTimeout: 0,
        httpAgent: agent,
        httpsAgent: agent,
      },
    }
    this.#client = new S3Client(settings)
    this.#once = new S3Client({ ...settings, maxAttempts: 1 })
  }

  /** @throws Problem `storage-unavailable` */
  async call<T>(call: Call<T>, limit?: TimeLimit): Promise<T> {
    return this.callRaw(call, limit).catch((error: unknown) => {
      throw s3Unavailable(error)
    })
  }

  /**
   * A call that must not be signed anew later: the SDK would do that also when S3 refuses it as signed
   * too long ago.
   *
   * @throws Problem `storage-unavailable`
   */
  async callOnce<T>(call: Call<T>, { tryMs, allMs }: TimeLimit): Promise<T> {
    return limited(allMs, (abortSignal) => call(this.#once, { abortSignal, requestTimeout: tryMs })).catch(
      (error: unknown) => {
        throw s3Unavailable(error)
      },
    )
  }

  /** A body that is still to be read has no limit here. @throws what the SDK throws, which nobody else may see */
  async callRaw<T>(call: Call<T>, { tryMs, allMs }: TimeLimit = CALL): Promise<T> {
    return limited(allMs, (abortSignal) => call(this.#client, { abortSignal, requestTimeout: tryMs }))
  }

  /** One small request. @throws Problem `storage-unavailable` when the bucket is missing or does not answer in time */
  async probe(): Promise<void> {
    const { name: Bucket } = this
    await this.call((client, how) => client.send(new HeadBucketCommand({ Bucket }), how), PROBE)
  }

  /** Ends its connections. */
  close(): void {
    this.#client.destroy()
    this.#once.destroy()
  }
}

async function limited<T>(ms: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const limit = new AbortController()
  const timer = setTimeout(() => limit.abort(), ms)
  try {
    return await work(limit.signal)
  } finally {
    clearTimeout(timer)
  }
}
