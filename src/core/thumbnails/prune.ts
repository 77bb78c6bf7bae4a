import { setImmediate as nextTurn } from 'node:timers/promises'
import { pruneThumbnails as prunePortion } from '../../metadata/thumbnails.ts'
import type { Deps } from '../deps.ts'

const AT_ONCE = 500

/** Forgets pictures of what no document shows any more; their blobs are swept later. */
export async function pruneThumbnails({ database }: Pick<Deps, 'database'>): Promise<void> {
  for (let after: string | undefined = ''; after !== undefined; ) {
    after = await prunePortion(database, { after, most: AT_ONCE })
    // Requests get their turn between two portions.
    await nextTurn()
  }
}
