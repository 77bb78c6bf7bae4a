import { parentPort, workerData } from 'node:worker_threads'
import { isProblem } from '../../errors.ts'
import { fileFromJson } from '../json-content.ts'

/** One file, made beside the main thread: see make-file.ts. */
try {
  const file = await fileFromJson(workerData.json, workerData.wanted)
  parentPort?.postMessage({ file })
} catch (error) {
  if (!isProblem(error)) throw error
  parentPort?.postMessage({ problem: { code: error.code, detail: error.message } })
}
