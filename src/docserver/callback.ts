import { z } from 'zod'
import { Problem } from '../errors.ts'
import type { DocServerTokens } from './tokens.ts'

/**
 * A callback's verified fields. Unknown fields are ignored and missing ones tolerated: forks and
 * older Document Servers differ.
 *
 * Source: ONLYOFFICE Docs API, Callback handler.
 */
const Callback = z.object({
  key: z.string().min(1).max(240),
  status: z.int().min(0).max(7),
  url: z.string().max(8192).nullish(),
  changesurl: z.string().max(8192).nullish(),
  history: z.unknown().optional(),
  users: z.array(z.coerce.string().max(512)).max(10_000).nullish(),
  actions: z.array(z.object({ type: z.number(), userid: z.coerce.string() })).nullish(),
  lastsave: z.string().max(40).nullish(),
  notmodified: z.boolean().nullish(),
  filetype: z
    .string()
    .regex(/^[A-Za-z0-9]{1,20}$/)
    .nullish(),
  forcesavetype: z.int().min(0).max(3).nullish(),
  userdata: z.string().max(10_000).nullish(),
})

export type Callback = z.output<typeof Callback>

/**
 * The fields of the first good token: the body's, else the header's. What the plain body says
 * beside them is ignored.
 *
 * @throws Problem `callback-token-invalid`, `validation-failed`
 */
export function verifyCallback(
  tokens: DocServerTokens,
  { body, header }: { body: Buffer | undefined; header: string | undefined },
): Callback {
  const payload = bodyPayload(tokens, body) ?? headerPayload(tokens, header)
  if (payload === undefined) throw new Problem('callback-token-invalid')
  const parsed = Callback.safeParse(payload)
  if (!parsed.success) throw new Problem('validation-failed', 'the signed callback lacks key or status')
  return parsed.data
}

function bodyPayload(tokens: DocServerTokens, body: Buffer | undefined): unknown {
  if (body === undefined) return undefined
  try {
    const { token } = z.object({ token: z.string() }).parse(JSON.parse(body.toString('utf8')))
    return unwrapped(tokens.verify(token))
  } catch {
    return undefined
  }
}

/** `Authorization: Bearer JWT{payload: {…}}` */
function headerPayload(tokens: DocServerTokens, header: string | undefined): unknown {
  const token = header?.replace(/^Bearer\s+/i, '')
  return token ? unwrapped(tokens.verify(token)) : undefined
}

/** The header's token wraps the fields in `payload`, the body's does not. */
function unwrapped(payload: Record<string, unknown> | undefined): unknown {
  return typeof payload?.payload === 'object' ? payload.payload : payload
}

/** The author of the save by the name that the history gives. `users` names the last author only. */
export function authorOf(callback: Callback): { id: string; name: string } {
  const id = callback.users?.[0] ?? callback.actions?.[0]?.userid ?? 'unknown'
  const History = z.object({
    changes: z.array(z.object({ user: z.object({ id: z.coerce.string(), name: z.string() }) })),
  })
  const history = History.safeParse(callback.history)
  const change = history.success ? history.data.changes.findLast(({ user }) => user.id === id) : undefined
  return { id, name: (change?.user.name ?? id).slice(0, 512) }
}
