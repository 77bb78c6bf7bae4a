import { openSessions } from '../../core/administration/open-sessions.ts'
import type { Deps } from '../../core/deps.ts'
import { countTickingSessions } from '../../metadata/sessions.ts'

const MOST_SHOWN = 200

export async function sessionsPart({ database, config }: Pick<Deps, 'database' | 'config'>) {
  const [sessions, count] = await Promise.all([
    openSessions({ database }, MOST_SHOWN),
    countTickingSessions(database),
  ])
  return { sessions, count, forcesaveS: config.FORCESAVE_INTERVAL_S }
}
