import PQueue from 'p-queue'
import type { SessionRow } from '../metadata/schema.ts'
import { claimDueSessions, updateSession } from '../metadata/sessions.ts'
import type { Deps } from './deps.ts'
import type { DocServer } from './ports.ts'
import { afterSeconds, CONFIG_COUNTS_MS, editorsOf, hasEditors } from './sessions.ts'

const IN_FLIGHT = 16
const CLAIMED_AT_ONCE = 500
/** After a refused token (6, 7) asking every 30 s only fills logs. */
const REFUSED_BACKOFF_S = 300

type TickDeps = Pick<Deps, 'database' | 'docServer' | 'clock' | 'config' | 'log' | 'metrics'>

/**
 * One turn of the autosave: claims every due session and asks Document Server for a forced save of
 * each; the bytes come back as callbacks of status 6. Everything it knows stands in rows, so a
 * restart goes on where the last process stopped.
 *
 * @returns how many sessions were asked
 */
export async function forcesaveTick(deps: TickDeps): Promise<number> {
  if (deps.docServer === undefined) return 0
  const queue = new PQueue({ concurrency: IN_FLIGHT })
  let asked = 0
  for (;;) {
    const due = await claimDueSessions(deps.database, {
      now: deps.clock().toISOString(),
      nextAt: nextTurn(deps),
      most: CLAIMED_AT_ONCE,
    })
    if (due.length === 0) break
    asked += due.length
    const { docServer } = deps
    for (const session of due) queue.add(() => askForSave(deps, docServer, session))
    await queue.onIdle()
  }
  return asked
}

/** Spread over a tenth of the interval, so that sessions opened together do not stay together. */
function nextTurn({ clock, config }: Pick<Deps, 'clock' | 'config'>): string {
  return afterSeconds(clock(), config.FORCESAVE_INTERVAL_S * (0.95 + Math.random() * 0.1))
}

async function askForSave(deps: TickDeps, docServer: DocServer, session: SessionRow): Promise<void> {
  const { database, clock, log, metrics } = deps
  try {
    if (await isIdle(deps, docServer, session)) {
      await updateSession(database, session.key, { next_forcesave_at: null, editors: '[]' })
      return
    }
    const answer = await docServer.forcesave(session.key)
    metrics.forcesaves.inc({ answer })
    // 0: the save arrives as a callback. 4: what Document Server has is stored. 3: again at the next turn.
    if (answer === 1 && !(await hasEditors(docServer, session.key)) && !isConfigFresh(session, clock())) {
      await updateSession(database, session.key, { next_forcesave_at: null, editors: '[]' })
    }
    if (answer === 6 || answer === 7) {
      log.error(
        { key: session.key, answer },
        'Document Server refuses our token: check the JWT secret and both clocks',
      )
      await updateSession(database, session.key, {
        next_forcesave_at: afterSeconds(clock(), REFUSED_BACKOFF_S),
      })
    }
  } catch (error) {
    metrics.forcesaves.inc({ answer: 'failed' })
    log.warn({ err: error, key: session.key }, 'forced save not asked, again at the next turn')
  }
}

/** Nobody came in the two minutes after the config, or no callback for long and Document Server knows nobody. */
async function isIdle(
  { clock, config }: Pick<Deps, 'clock' | 'config'>,
  docServer: DocServer,
  session: SessionRow,
): Promise<boolean> {
  const now = clock()
  if (isConfigFresh(session, now)) return false
  if (editorsOf(session).length === 0) return true
  const quietFor = now.getTime() - Date.parse(session.last_callback_at ?? session.opened_at)
  return quietFor > config.SESSION_IDLE_S * 1000 && !(await hasEditors(docServer, session.key))
}

function isConfigFresh(session: SessionRow, now: Date): boolean {
  return (
    session.config_issued_at !== null &&
    now.getTime() - Date.parse(session.config_issued_at) < CONFIG_COUNTS_MS
  )
}
