/** How old an answer may be, and how long a new one may take. */
const FRESH_MS = 5000
const PATIENCE_MS = 1000

export type HealthProbe = () => Promise<boolean>

/** Whether something that we depend on is well: asked rarely and never waited for long, however often it is read. */
export function createHealthProbe(ask: () => Promise<boolean>): HealthProbe {
  let isHealthy = false
  let askedAt = Number.NEGATIVE_INFINITY
  let asking: Promise<void> | undefined

  return async () => {
    if (performance.now() - askedAt > FRESH_MS) {
      asking ??= ask()
        .catch(() => false)
        .then((answer) => {
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

/** What the service needs besides Document Server. */
export type Supports = {
  isDatabaseHealthy: HealthProbe
  areBlobsHealthy: HealthProbe
  /** Why other nodes are not heard; undefined while they are. */
  backplaneTrouble: () => string | undefined
}
