import { unfinishedSaves } from '../metadata/latest-saves.ts'
import type { DocumentRow } from '../metadata/schema.ts'
import type { Deps } from './deps.ts'
import type { SaveState } from './events.ts'
import { headVersion } from './versions.ts'

/** How a document's saves stand, as `save-state` events tell it of each. */
export async function saveStateOf(
  { database }: Pick<Deps, 'database'>,
  document: DocumentRow,
): Promise<{ state: SaveState; at: string }> {
  const saves = await unfinishedSaves(database, document.id)
  const inFlight = saves.find(({ state }) => state === 'receiving')
  if (inFlight !== undefined) return { state: 'saving', at: inFlight.received_at }
  const [failed] = saves
  if (failed !== undefined) return { state: 'not-saved', at: failed.finished_at ?? failed.received_at }
  const { updated_at: at } = await headVersion({ database }, document)
  return { state: 'saved', at }
}
