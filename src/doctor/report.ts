import { CHECKS, type Check, type Leg, unlookedGroups } from './check.ts'
import type { Diagnosis } from './run-doctor.ts'

const MARKS: Record<Check['result'], string> = { ok: '✓', warn: '!', fail: '✗' }

/** As JSON shows them; fields are listed by hand, so that no new one leaks. */
export function checksAnswer(checks: readonly Check[]) {
  return checks.map(({ id, leg, result, evidence, fix }) => ({ id, leg, result, evidence, fix }))
}

export function jsonReport({ ok, checks }: Diagnosis): string {
  return `${JSON.stringify({ ok, checks: checksAnswer(checks) }, null, 2)}\n`
}

/** As many names as one line holds. */
const MOST_NAMED = 4

/** For a terminal: by leg, what was seen and what to do; what was not looked at is one line for each reason. */
export function textReport({ ok, checks }: Diagnosis): string {
  const legs = new Set<Leg>(Object.values(CHECKS))
  const groups = [...legs].flatMap((leg) => {
    const lines = checks.filter((check) => check.leg === leg && check.because === undefined).flatMap(linesOf)
    return lines.length === 0 ? [] : [leg, ...lines, '']
  })
  const failures = checks.filter(({ result }) => result === 'fail').length
  const warnings = checks.filter(({ result }) => result === 'warn').length
  return [
    ...groups,
    ...unlookedGroups(checks).map(
      ({ because, ids }) =>
        `Not checked because ${because}: ${ids.length > MOST_NAMED ? `${ids.length} checks (--json lists them)` : ids.join(', ')}.`,
    ),
    ok
      ? `All is well, ${counted(warnings, 'warning')}.`
      : `${counted(failures, 'failure')}, ${counted(warnings, 'warning')}.`,
    '',
  ].join('\n')
}

function linesOf({ id, result, evidence, fix }: Check): string[] {
  return [`  ${MARKS[result]} ${id}: ${evidence}`, ...(fix === null ? [] : [`      → ${fix}`])]
}

function counted(count: number, name: string): string {
  return `${count === 0 ? 'no' : count} ${name}${count === 1 ? '' : 's'}`
}
