import type { Logger } from '../log.ts'
import { type Check, type CheckId, sorted } from './check.ts'
import type { DoctorParts } from './parts.ts'
import { type Diagnosis, runDoctor } from './run-doctor.ts'

/** How many equal results in a row change what is shown. */
const EQUAL_RESULTS = 2

export type ShownChecks = {
  /** No shown check fails; undefined before the first round. */
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
        if (before?.shown?.result !== after.shown?.result) tell(log, before?.shown, after.shown)
      }
    },
    shown() {
      const checks = sorted([...known.values()].flatMap(({ shown }) => shown ?? []))
      const ok = checkedAt === undefined ? undefined : checks.every(({ result }) => result !== 'fail')
      return { ok, checks, checkedAt }
    },
  }
}

type State = {
  /** Undefined as long as the first results differ or the first one was bad. */
  shown: Check | undefined
  last: Check['result']
  /** How many rounds ended like the last one. */
  count: number
}

function advanced(before: State | undefined, check: Check): State {
  const count = before?.last === check.result ? before.count + 1 : 1
  const isFirstAndGood = before === undefined && check.result === 'ok'
  const isShown = isFirstAndGood || count >= EQUAL_RESULTS || before?.shown?.result === check.result
  return { shown: isShown ? check : before?.shown, last: check.result, count }
}

function tell(log: Logger, before: Check | undefined, after: Check | undefined): void {
  if (after === undefined) return
  const { id, leg, result, evidence, fix } = after
  if (result !== 'ok') log.warn({ check: id, leg, result }, `${leg}: ${evidence}. ${fix}`)
  else if (before !== undefined) log.info({ check: id, leg, result }, `${leg}: well again, ${evidence}`)
}
