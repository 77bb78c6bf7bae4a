import type { Deps } from './deps.ts'
import type { Presence } from './events.ts'
import type { DocServer } from './ports.ts'

/** How long the callback that `info` provokes may take. */
const CALLBACK_WAIT_MS = 1500

/** `closing`: everyone left, but a final save is still to come. */
export type EditingState = 'edited' | 'closing' | 'over'

/**
 * Asks Document Server who edits under a key; our rows know only what callbacks said. The answer
 * alone cannot tell "closing" from "over": the callback that the command provokes can, with status 1
 * and nobody while a final save is on its way, and 4 afterwards. Before 8.2 it alone names the users.
 */
export async function editingState(
  { events }: Pick<Deps, 'events'>,
  docServer: DocServer,
  key: string,
): Promise<EditingState> {
  const { promise: told, resolve } = Promise.withResolvers<Presence | undefined>()
  const unsubscribe = events.onPresence(key, resolve)
  const timer = setTimeout(resolve, CALLBACK_WAIT_MS, undefined)
  try {
    // The callback may go to another node.
    await events.heard()
    const { isKnown, users } = await docServer.info(key)
    if (!isKnown) return 'over'
    if (users !== undefined && users.length > 0) return 'edited'
    const presence = await told
    // Where others are not heard, a callback that another node got is missed.
    if (presence === undefined)
      return users === undefined || events.trouble() !== undefined ? 'edited' : 'over'
    if (presence.status === 4) return 'over'
    return presence.users.length > 0 ? 'edited' : 'closing'
  } finally {
    clearTimeout(timer)
    unsubscribe()
  }
}
