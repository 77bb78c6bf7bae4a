import { workerData } from 'node:worker_threads'

/** How often it is looked whether the service is still there. */
const EVERY_MS = 500

/** A thread beside a long job: ends the whole process once its parent is not the service that made it. */
setInterval(() => {
  if (process.ppid !== workerData) process.kill(process.pid, 'SIGKILL')
}, EVERY_MS)
