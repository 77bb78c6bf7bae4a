import { writeFile } from 'node:fs/promises'
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { doJob } from './yjs-jobs.ts'

/** A process of its own: see yjs-processes.ts. It ends with the channel to the service. */
process.on('message', (job: Parameters<typeof doJob>[0]) => process.send?.(doJob(job)))

// In the middle of a job it hears of nothing. The service may be gone before the thread has begun.
new Worker(new URL(`./parent-watch${extname(import.meta.filename)}`, import.meta.url), {
  workerData: Number(process.argv[2]),
}).unref()

// Where memory runs out, this one goes first and not the service. Source: proc_pid_oom_score_adj(5).
void writeFile('/proc/self/oom_score_adj', '500').catch(() => undefined)
