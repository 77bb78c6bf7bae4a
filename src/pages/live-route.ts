import { Router } from 'express'
import type { Deps } from '../core/deps.ts'
import { isSignedIn } from '../http/authentication.ts'
import { openEventStream } from '../http/sse.ts'
import { newestActivityId } from '../metadata/activity.ts'
import type { SignedInPages } from './signed-in.ts'

const LOOK_EVERY_MS = 1000

/**
 * Tells open pages that something happened, so that they fetch themselves anew: `changed` for any
 * activity, whichever node it happened on, and with `?documentId=` what the editor's page is told.
 */
export function liveRoute({
  deps,
  tokens,
  streams,
}: Pick<SignedInPages, 'deps' | 'tokens' | 'streams'>): Router {
  const router = Router()
  const look = createActivityLook(deps)

  router.get('/live', (request, response) => {
    const { documentId } = request.query
    const endLook = look((id) => send('changed', { id }))
    const endEvents =
      typeof documentId === 'string'
        ? deps.events.subscribe(documentId, ({ type, ...data }) => send(type, data))
        : () => {}
    const send = openEventStream(response, {
      streams,
      isWelcome: () => isSignedIn(request, tokens, deps),
      onClose() {
        endLook()
        endEvents()
      },
    })
  })
  return router
}

/** One look at the database a second for all pages, and none while no page is open. */
function createActivityLook({ database, log }: Pick<Deps, 'database' | 'log'>) {
  const listeners = new Set<(id: string) => void>()
  let timer: NodeJS.Timeout | undefined
  let known: string | undefined

  async function look(): Promise<void> {
    try {
      const newest = await newestActivityId(database)
      if (known !== undefined && newest !== known) for (const tell of listeners) tell(newest)
      known = newest
    } catch (error) {
      log.warn({ err: error }, 'pages are not told of changes')
    }
  }

  return (listener: (id: string) => void) => {
    listeners.add(listener)
    if (timer === undefined) {
      known = undefined
      void look()
      timer = setInterval(look, LOOK_EVERY_MS)
    }
    return () => {
      listeners.delete(listener)
      if (listeners.size > 0) return
      clearInterval(timer)
      timer = undefined
    }
  }
}
