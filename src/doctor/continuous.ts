import type { Logger } from '../log.ts'
import { type Check, type CheckId, sorted } from './check.ts'
import type { DoctorParts } from './parts.ts'
import { type Diagnosis, runDoctor } from './run-doctor.ts'

/** How many equal results in a row change what is shown. */
const EQUAL_RESULTS = 2

export type ShownChecks = {
  /** No shown check fails; undefined before the first round, and while only a second one can tell. */
  ok: boolean | undefined
  checks: Check[]
  checkedAt: Date | undefined
}

export type ContinuousDoctor = {
  /** One round. Never throws, never disables anything. */
  round(): Promise<void>
  /** After the last round: one blip neither raises nor clears anything. */
  shown(): ShownChecks
}

/** @param look what one round sees; tests put their own in */
export function createContinuousDoctor(
  parts: Omit<DoctorParts, 'looksOnce'> & { log: Logger },
  look: () => Promise<Diagnosis> = () => runDoctor({ ...parts, looksOnce: false }),
): ContinuousDoctor {
  const { clock, log } = parts
  const known = new Map<CheckId, State>()
  let checkedAt: Date | undefined

  return {
    async round() {
      let diagnosis: Diagnosis
      try {
        diagnosis = await look()
      } catch (error) {
        log.warn({ err: error }, 'the doctor could not look')
        return
      }
      checkedAt = clock()
      for (const check of diagnosis.checks) {
        const before = known.get(check.id)
        const after = advanced(before, check)
        known.set(check.id, after)
        if (after.shown !== undefined && after.told !== before?.told) tell(log, after.shown, before?.told)
      }
    },
    shown() {
      const states = [...known.values()]
      const checks = sorted(states.flatMap(({ shown }) => shown ?? []))
      const isWell = checks.every(({ result }) => result !== 'fail')
      const isUnsure = checkedAt === undefined || states.some(({ shown }) => shown === undefined)
      return { ok: isWell && isUnsure ? undefined : isWell, checks, checkedAt }
    },
  }
}

type Kind = Check['result'] | 'unlooked'

type State = {
  /** Undefined as long as the first results differ or the first one was no good. */
  shown: Check | undefined
  last: Kind
  /** How many rounds ended like the last one. */
  count: number
  /** How many rounds in a row were a warning or a failure. */
  bad: number
  /** What the log knows; what was not looked at changes nothing of it. */
  told: Check['result'] | undefined
}

function advanced(before: State | undefined, check: Check): State {
  const last = kindOf(check)
  const count = before?.last === last ? before.count + 1 : 1
  const bad = isBad(last) ? (before?.bad ?? 0) + 1 : 0
  const shownKind = before?.shown && kindOf(before.shown)
  const isFirstAndGood = before === undefined && !isBad(last)
  // A failure that is a warning every other time is no blip.
  const isRaised = bad >= EQUAL_RESULTS && !isBad(shownKind)
  const isShown = isFirstAndGood || count >= EQUAL_RESULTS || shownKind === last || isRaised
  const shown = isShown ? check : before?.shown
  const told = isShown && last !== 'unlooked' ? check.result : before?.told
  return { shown, last, count, bad, told }
}

function kindOf({ result, because }: Check): Kind {
  return because === undefined ? result : 'unlooked'
}

function isBad(kind: Kind | undefined): boolean {
  return kind === 'warn' || kind === 'fail'
}

function tell(log: Logger, after: Check, toldBefore: Check['result'] | undefined): void {
  const { id, leg, result, evidence, fix } = after
  if (result !== 'ok') log.warn({ check: id, leg, result }, `${leg}: ${evidence}. ${fix}`)
  else if (toldBefore !== undefined) log.info({ check: id, leg, result }, `${leg}: well again, ${evidence}`)
}
