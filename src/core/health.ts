import type { DocServer } from './ports.ts'

/** How old an answer may be, and how long a new one may take. */
const FRESH_MS = 5000
const PATIENCE_MS = 1000

export type HealthProbe = () => Promise<boolean>

/** Whether Document Server is well, asked rarely and never waited for long, however often it is read. */
export function createHealthProbe(docServer: DocServer | undefined): HealthProbe {
  let isHealthy = false
  let askedAt = Number.NEGATIVE_INFINITY
  let asking: Promise<void> | undefined

  return async () => {
    if (docServer === undefined) return false
    if (performance.now() - askedAt > FRESH_MS) {
      asking ??= docServer.isHealthy().then((answer) => {
        isHealthy = answer
        askedAt = performance.now()
        asking = undefined
      })
      const isAnswered = await withinPatience(asking)
      if (!isAnswered) return false
    }
    return isHealthy
  }
}

async function withinPatience(asking: Promise<void>): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<boolean>()
  const timer = setTimeout(resolve, PATIENCE_MS, false)
  try {
    return await Promise.race([asking.then(() => true), late])
  } finally {
    clearTimeout(timer)
  }
}
