import { z } from 'zod'
import { Problem } from '../errors.ts'
import type { DocServerTokens } from './tokens.ts'

/**
 * A callback's verified fields. Only key and status are needed; any other field that is missing or
 * odd counts as absent, since a refused save would make Document Server drop the edits.
 *
 * Source: ONLYOFFICE Docs API, Callback handler.
 */
const Callback = z.object({
  key: z.string().min(1).max(240),
  status: z.int().min(0).max(7),
  url: z.string().max(8192).optional().catch(undefined),
  changesurl: z.string().max(8192).optional().catch(undefined),
  history: z.unknown().optional(),
  users: z.array(z.coerce.string()).optional().catch(undefined),
  actions: z
    .array(z.object({ type: z.number(), userid: z.coerce.string() }))
    .optional()
    .catch(undefined),
  lastsave: z.iso.datetime().optional().catch(undefined),
  notmodified: z.boolean().catch(false),
  filetype: z
    .string()
    .regex(/^[A-Za-z0-9]{1,20}$/)
    .toLowerCase()
    .optional()
    .catch(undefined),
  forcesavetype: z.int().min(0).max(3).optional().catch(undefined),
  userdata: z.string().optional().catch(undefined),
  /** Of a submitted form's data, JSON. */
  formsdataurl: z.string().max(8192).optional().catch(undefined),
})

const History = z.object({
  changes: z.array(z.object({ user: z.object({ id: z.coerce.string(), name: z.string() }) })),
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

/**
 * The token is cut out of the body, which is not parsed: it may have been sent by anybody, and all
 * fields come from the token. Document Server puts it last.
 */
function bodyPayload(tokens: DocServerTokens, body: Buffer | undefined): unknown {
  const at = body?.lastIndexOf('"token"') ?? -1
  if (body === undefined || at === -1) return undefined
  const token = /^"token"\s*:\s*"([\w\-.]+)"/.exec(body.toString('latin1', at))?.[1]
  return token === undefined ? undefined : unwrapped(tokens.verify(token))
}

/** `Authorization: Bearer JWT{payload: {…}}` */
export function headerPayload(tokens: DocServerTokens, header: string | undefined): unknown {
  const token = header?.replace(/^Bearer\s+/i, '')
  return token ? unwrapped(tokens.verify(token)) : undefined
}

/** The header's token wraps the fields in `payload`, the body's does not. */
function unwrapped(payload: Record<string, unknown> | undefined): unknown {
  return typeof payload?.payload === 'object' ? payload.payload : payload
}

/** The author of the save by the name that the history gives. `users` names the last author only. */
export function authorOf(callback: Callback): { id: string; name: string } {
  return namedBy(callback, callback.users?.[0] ?? callback.actions?.[0]?.userid ?? 'unknown')
}

/** Who handed a form in: the one who pressed the button (`type` 2), not the last one who typed. */
export function submitterOf(callback: Callback): { id: string; name: string } {
  const id = callback.actions?.find(({ type }) => type === 2)?.userid
  return id === undefined ? authorOf(callback) : namedBy(callback, id)
}

function namedBy({ history: given }: Callback, id: string): { id: string; name: string } {
  const history = History.safeParse(given)
  const change = history.success ? history.data.changes.findLast(({ user }) => user.id === id) : undefined
  return { id, name: (change?.user.name ?? id).slice(0, 512) }
}
