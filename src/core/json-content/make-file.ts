import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import PQueue from 'p-queue'
import { Problem, type ProblemCode } from '../../errors.ts'
import { fileFromJson, type MadeFile } from '../json-content.ts'

/** Characters. What is made from so few is made at once. */
const SMALL = 16 * 1024
const TIME_LIMIT_MS = 60_000
const MEMORY_LIMIT_MB = 1536
/** Requests that wait for their turn. */
const MOST_WAITING = 8

type Wanted = Parameters<typeof fileFromJson>[1]
type Answer =
  | { file: MadeFile | undefined; problem?: undefined }
  | { file?: undefined; problem: { code: ProblemCode; detail: string } }

export type MakeFile = typeof fileFromJson

/**
 * `fileFromJson`, where a large file is made in a thread of its own, one at a time: it takes
 * seconds, and nobody else should wait for it.
 *
 * @throws Problem `json-content-invalid` also for what takes too much time or memory; `conversion-busy`
 */
export function createMakeFile(): MakeFile {
  const queue = new PQueue({ concurrency: 1 })
  return async (json, wanted) => {
    if (json.length <= SMALL) return fileFromJson(json, wanted)
    if (queue.size >= MOST_WAITING) throw new Problem('conversion-busy', undefined, { retryAfterS: 5 })
    return queue.add(() => makeApart(json, wanted))
  }
}

function makeApart(json: string, wanted: Wanted): Promise<MadeFile | undefined> {
  // The same file from source and when built.
  const file = new URL(`./worker${extname(import.meta.filename)}`, import.meta.url)
  const worker = new Worker(file, {
    workerData: { json, wanted },
    resourceLimits: { maxOldGenerationSizeMb: MEMORY_LIMIT_MB },
  })
  const { promise, resolve, reject } = Promise.withResolvers<MadeFile | undefined>()
  const tooMuch = (cause?: unknown) =>
    reject(new Problem('json-content-invalid', 'it takes too much time or memory', { cause }))
  const timer = setTimeout(tooMuch, TIME_LIMIT_MS)
  worker.once('message', ({ file: made, problem }: Answer) => {
    if (problem !== undefined) reject(new Problem(problem.code, problem.detail))
    else resolve(made && { ...made, bytes: Buffer.from(made.bytes) })
  })
  worker.once('error', (error) => {
    if ('code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY') tooMuch(error)
    else reject(error)
  })
  return promise.finally(() => {
    clearTimeout(timer)
    return worker.terminate()
  })
}
