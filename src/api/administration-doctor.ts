import { z } from 'zod'
import { CHECKS } from '../doctor/check.ts'
import type { ContinuousDoctor } from '../doctor/continuous.ts'
import { checksAnswer } from '../doctor/report.ts'
import type { Api } from './api.ts'
import { Time } from './fields.ts'
import { type Operation, operation } from './operation.ts'

const LEGS = [...new Set(Object.values(CHECKS))] as const

const Diagnosis = z.object({
  ok: z
    .boolean()
    .nullable()
    .meta({ description: 'Null: nothing has been looked at, or only a second look can tell' }),
  checkedAt: Time.nullable(),
  checks: z.array(
    z.object({
      id: z.string(),
      leg: z.enum(LEGS),
      result: z.enum(['ok', 'warn', 'fail']),
      evidence: z.string(),
      fix: z.string().nullable(),
    }),
  ),
})

/** Has every leg between browsers, Document Server and the service looked at. */
export function doctorOperations({ doctor }: Pick<Api, 'doctor'>): Operation[] {
  let looking: Promise<void> | undefined
  return [
    operation({
      method: 'post',
      paths: ['/administration/doctor'],
      tag: 'Administration',
      summary: 'Look at every leg between browsers, Document Server and the service now',
      access: 'administrator',
      answer: { status: 200, json: Diagnosis },
      async handle() {
        if (doctor !== undefined) {
          // Whoever asks meanwhile gets the same.
          looking ??= lookTwice(doctor).finally(() => {
            looking = undefined
          })
          await looking
        }
        const shown = doctor?.shown()
        return {
          ok: shown?.ok ?? null,
          checkedAt: shown?.checkedAt?.toISOString() ?? null,
          checks: checksAnswer(shown?.checks ?? []),
        }
      },
    }),
  ]
}

/** One round alone changes nothing that is shown. */
async function lookTwice(doctor: ContinuousDoctor): Promise<void> {
  await doctor.round()
  await doctor.round()
}
