import type { Check } from './check.ts'
import type { Run } from './parts.ts'
import { within } from './within.ts'

/** What several nodes share beside the database; none for one that has it in its own folder and memory. */
export async function sharedChecks(run: Run): Promise<Check[]> {
  const { config, limits } = run
  const looks: Promise<Check[]>[] = []
  // Each is loaded only where it is used: it costs memory.
  if (config.BLOBS_URL.startsWith('s3:')) {
    const look = async () => [await (await import('./blobs.ts')).blobsCheck(run)]
    looks.push(
      within(
        limits.checkMs,
        ['blobs'],
        look,
        'Check that the storage of BLOBS_URL answers requests of this machine.',
      ),
    )
  }
  if (config.BACKPLANE_URL !== 'memory:') {
    const look = async () => [await (await import('./backplane.ts')).backplaneCheck(run)]
    looks.push(
      within(
        limits.checkMs,
        ['backplane'],
        look,
        'Check that the Redis of BACKPLANE_URL answers this machine.',
      ),
    )
  }
  return (await Promise.all(looks)).flat()
}
