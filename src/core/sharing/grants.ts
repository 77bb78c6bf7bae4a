import { type Caller, may } from '../callers.ts'

/** What somebody who has a document open may do with it. */
export const GRANTS = [
  'view',
  'comment',
  'review',
  'fillForms',
  'edit',
  'download',
  'print',
  'copy',
  'protect',
  'chat',
] as const
export type Grant = (typeof GRANTS)[number]
export type Grants = ReadonlySet<Grant>

const READING = ['view', 'download', 'print', 'copy'] as const satisfies Grant[]
const OF_EMBED = {
  view: READING,
  comment: [...READING, 'comment', 'chat'],
  edit: GRANTS.filter((grant) => grant !== 'protect'),
} as const satisfies Record<string, readonly Grant[]>

/** A client of the API grants what its key may: reading, or all. */
export function grantsOf(caller: Caller): Grants {
  if (!may(caller, 'documents:read')) return new Set()
  return new Set(may(caller, 'documents:write') ? GRANTS : READING)
}

/** Source: Nuto Office API, Embed: view, edit, comment. */
export function grantsOfEmbed(permissions: readonly (keyof typeof OF_EMBED)[]): Grants {
  return new Set([...READING, ...permissions.flatMap((permission) => OF_EMBED[permission])])
}

/** Only what both have: nobody hands on more than they hold. */
export function narrowed(grants: Iterable<Grant>, to: Grants): Grants {
  return new Set([...grants].filter((grant) => to.has(grant)))
}
