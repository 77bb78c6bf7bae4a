import { z } from 'zod'
import { type Check, failed, passed, warned } from './check.ts'

const DAY_MS = 86_400_000
const NOTICE_DAYS = 14

const License = z.looseObject({
  license: z.looseObject({
    end_date: z.string().nullish(),
    connections: z.number().nullish(),
    users_count: z.number().nullish(),
  }),
  server: z.looseObject({ resultType: z.int() }),
  quota: z.looseObject({ users: z.array(z.unknown()) }).optional(),
})

/** Source: ONLYOFFICE Docs API, Command service, license, `resultType`; ONLYOFFICE/server, constants.LICENSE_RESULT. */
const EXPIRED: Readonly<Record<number, string>> = {
  1: 'cannot be read',
  2: 'has expired',
  6: 'is a trial that has expired',
  11: 'has expired and limits what works',
  16: 'is not valid yet',
}

const RENEW =
  'Renew the license of Document Server and put it where it looks for it (/var/www/onlyoffice/Data/license.lic).'

/** @param fields the answer of the command `license`; undefined when it is not known there */
export function licenseCheck(fields: unknown, now: Date): Check {
  const id = 'document-server-license'
  const parsed = License.safeParse(fields)
  if (!parsed.success) return passed(id, 'Document Server does not tell its license')
  const { license, server, quota } = parsed.data
  const ends = license.end_date ?? undefined
  const endsAt = Date.parse(ends ?? '')
  const limits = inWords(license.connections ?? 0, license.users_count ?? 0, quota?.users.length ?? 0)
  const until =
    ends === undefined ? 'has no end' : `${endsAt > now.getTime() ? 'ends' : 'ended'} on ${ends.slice(0, 10)}`

  const fault = EXPIRED[server.resultType]
  if (fault !== undefined) return failed(id, `the license ${fault} (it ${until}; ${limits})`, RENEW)
  const seen = `the license ${until}; ${limits}`
  // What has ended and counts all the same is one without end, whose updates have ended.
  if (endsAt > now.getTime() && endsAt - now.getTime() < NOTICE_DAYS * DAY_MS) return warned(id, seen, RENEW)
  const most = license.users_count ?? 0
  if (most > 0 && (quota?.users.length ?? 0) >= most) {
    return warned(
      id,
      seen,
      'Get a license of Document Server for more users, or wait until some of these are freed.',
    )
  }
  return passed(id, seen)
}

function inWords(connections: number, most: number, users: number): string {
  if (most > 0) return `${users} of ${most} users are taken`
  return connections > 0 ? `at most ${connections} connections at once` : 'no limit of connections is told'
}
