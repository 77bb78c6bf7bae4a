import { Router } from 'express'
import { CHECKS, type Check, type Leg, unlookedGroups } from '../doctor/check.ts'
import { shownTime } from './files/shown.ts'
import type { SignedInPages } from './signed-in.ts'

/** What each leg carries. */
const LEGS: Record<Leg, string> = {
  'browser→Document Server': 'Loads the editor: scripts, frames and what the browser allows.',
  'us→Document Server': 'Commands, conversions and the download of what was typed.',
  'Document Server→us': 'It fetches documents and tells us of saves. Most set-ups that fail, fail here.',
  service: 'This machine: disk, database, programs.',
}

/** What the doctor saw last. */
export function doctorPage({ deps, send, doctor }: SignedInPages): Router {
  const router = Router()

  router.get('/admin/doctor', (request, response) => {
    const { ok, checks, checkedAt } = doctor?.shown() ?? { ok: undefined, checks: [], checkedAt: undefined }
    const count = (result: Check['result']) => checks.filter((check) => check.result === result).length
    send(request, response, {
      name: 'doctor',
      section: 'operations',
      title: 'Doctor',
      data: {
        style: 'tables',
        shownTime,
        ok,
        // Each node has its own doctor.
        node: deps.config.BACKPLANE_URL === 'memory:' ? undefined : deps.config.NODE_NAME,
        checkedAt: checkedAt?.toISOString(),
        failures: count('fail'),
        warnings: count('warn'),
        legs: [...new Set(Object.values(CHECKS))].map((leg) => ({
          leg,
          about: LEGS[leg],
          checks: checks.filter((check) => check.leg === leg && check.because === undefined),
        })),
        unlooked: unlookedGroups(checks),
      },
    })
  })
  return router
}
