import type { Deps } from './deps.ts'

/** Logs when something that the service needs stops answering and when it answers again, once each. */
export function createSupportsWatch({ supports, log }: Pick<Deps, 'supports' | 'log'>): () => Promise<void> {
  const away = new Set<string>()
  const checks = [
    ['the database', supports.isDatabaseHealthy],
    ['the blobs', supports.areBlobsHealthy],
  ] as const
  return async () => {
    for (const [name, isHealthy] of checks) {
      const isWell = await isHealthy()
      if (isWell && away.delete(name)) log.info(`${name}: answering again`)
      if (isWell || away.has(name)) continue
      away.add(name)
      log.error(
        `${name}: no answer, or none that helps (the doctor says why); what needs it is refused meanwhile`,
      )
    }
  }
}
