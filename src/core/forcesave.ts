import PQueue from 'p-queue'
import type { SessionRow } from '../metadata/schema.ts'
import { claimDueSessions, isAnySessionDue, updateSession } from '../metadata/sessions.ts'
import type { Deps } from './deps.ts'
import type { DocServer } from './ports.ts'
import { editingState } from './presence.ts'
import { afterSeconds, CONFIG_COUNTS_MS, editorsOf } from './sessions.ts'

const IN_FLIGHT = 16
const CLAIMED_AT_ONCE = 500
/** After a refused token (6, 7) asking every 30 s only fills logs. */
const REFUSED_BACKOFF_S = 300

type TickDeps = Pick<Deps, 'database' | 'docServer' | 'clock' | 'config' | 'log' | 'metrics' | 'events'>

/**
 * One turn of the autosave: claims every due session and asks Document Server for a forced save of
 * each; the bytes come back as callbacks of status 6. Everything it knows stands in rows, so a
 * restart goes on where the last process stopped.
 *
 * @param stop ends it after the sessions already claimed
 * @returns how many sessions were asked
 */
export async function forcesaveTick(deps: TickDeps, stop?: AbortSignal): Promise<number> {
  const { docServer, database, clock, config } = deps
  if (docServer === undefined) return 0
  const queue = new PQueue({ concurrency: IN_FLIGHT })
  const startedAt = clock()
  let asked = 0
  while (stop?.aborted !== true && (await isAnySessionDue(database, dueAt(startedAt, config)))) {
    const due = await claimDueSessions(database, {
      ...dueAt(startedAt, config),
      nextAt: nextTurn(deps),
      most: CLAIMED_AT_ONCE,
    })
    asked += due.length
    for (const session of due) queue.add(() => askForSave(deps, docServer, session))
    await queue.onIdle()
  }
  return asked
}

/** What falls due during a tick waits for the next one. A turn far ahead was set by a clock that was wrong. */
function dueAt(now: Date, config: Deps['config']) {
  return {
    now: now.toISOString(),
    farAhead: afterSeconds(now, config.FORCESAVE_INTERVAL_S * 2 + REFUSED_BACKOFF_S),
  }
}

/** Spread over a tenth of the interval, so that sessions opened together do not stay together. */
function nextTurn({ clock, config }: Pick<Deps, 'clock' | 'config'>): string {
  return afterSeconds(clock(), config.FORCESAVE_INTERVAL_S * (0.95 + Math.random() * 0.1))
}

async function askForSave(deps: TickDeps, docServer: DocServer, session: SessionRow): Promise<void> {
  const { database, clock, log, metrics } = deps
  const { key } = session
  try {
    if (mayBeIdle(deps, session) && (await isOver(deps, docServer, session))) return
    const answer = await docServer.forcesave(key)
    metrics.forcesaves.inc({ answer })
    // 0: the save arrives as a callback. 4: what Document Server has is stored. 3: again at the next turn.
    if (answer === 1) await isOver(deps, docServer, session)
    if (answer === 6 || answer === 7) {
      log.error({ key, answer }, 'Document Server refuses our token: check the JWT secret and both clocks')
      await updateSession(database, key, { next_forcesave_at: afterSeconds(clock(), REFUSED_BACKOFF_S) })
    }
  } catch (error) {
    metrics.forcesaves.inc({ answer: 'failed' })
    log.warn({ err: error, key }, 'forced save not asked, again at the next turn')
  }
}

/** Nobody that we know of came in the two minutes after the config, or no callback for long. */
function mayBeIdle({ clock, config }: Pick<Deps, 'clock' | 'config'>, session: SessionRow): boolean {
  const now = clock()
  if (isConfigFresh(session, now)) return false
  const quietFor = now.getTime() - Date.parse(session.last_callback_at ?? session.opened_at)
  return editorsOf(session).length === 0 || quietFor > config.SESSION_IDLE_S * 1000
}

/** Takes a session off the tick that nobody edits at Document Server either; key and draft stay. */
async function isOver(deps: TickDeps, docServer: DocServer, session: SessionRow): Promise<boolean> {
  if (isConfigFresh(session, deps.clock())) return false
  if ((await editingState(deps, docServer, session.key)) === 'edited') return false
  await updateSession(deps.database, session.key, { next_forcesave_at: null, editors: '[]' })
  return true
}

function isConfigFresh(session: SessionRow, now: Date): boolean {
  return (
    session.config_issued_at !== null &&
    now.getTime() - Date.parse(session.config_issued_at) < CONFIG_COUNTS_MS
  )
}
