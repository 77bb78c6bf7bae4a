import type { Config } from '../config.ts'
import type { Backplane } from '../core/ports.ts'
import type { RedisCommands } from '../http/shared-store.ts'
import type { Logger } from '../log.ts'
import { MemoryBackplane } from './memory.ts'

/** How long a start waits for Redis; it goes on without. */
const CONNECTED_WITHIN_MS = 2000

export type OpenBackplane = {
  backplane: Backplane
  /** For counts that all nodes share; undefined for a single node. */
  redis: RedisCommands | undefined
}

/**
 * What `BACKPLANE_URL` names.
 *
 * @param options.prefix tells installations apart that share a Redis; the same on all nodes of one
 */
export async function openBackplane(
  { BACKPLANE_URL: url }: Pick<Config, 'BACKPLANE_URL'>,
  log: Logger,
  { prefix }: { prefix: string },
): Promise<OpenBackplane> {
  const onError = (error: unknown) => log.error({ err: error }, 'a listener failed')
  if (url === 'memory:') return { backplane: new MemoryBackplane({ onError }), redis: undefined }
  // Loaded only where it is used: it costs memory.
  const { RedisBackplane } = await import('./redis.ts')
  const backplane = new RedisBackplane({
    url,
    prefix: `docs-connector:${prefix}`,
    onError,
    onState(trouble) {
      if (trouble === undefined) log.info('other nodes are heard again')
      else log.error({ trouble }, 'other nodes are not heard')
    },
  })
  await backplane.connected(CONNECTED_WITHIN_MS)
  const command = (...words: [string, ...string[]]) => backplane.command(...words)
  return { backplane, redis: { prefix: `docs-connector:${prefix}`, command } }
}
