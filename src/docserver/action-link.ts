import { z } from 'zod'
import type { Door } from './door.ts'
import { viewerAddress } from './own-addresses.ts'

const MAX_ACTION_BYTES = 4096

/** A place in a document, as the editor names it. Source: ONLYOFFICE Docs API, Editor config, actionLink. */
export const ActionLink = z
  .looseObject({ action: z.looseObject({ type: z.string().min(1).max(100) }) })
  .refine(
    (link) => Buffer.byteLength(JSON.stringify(link)) <= MAX_ACTION_BYTES,
    `at most ${MAX_ACTION_BYTES} bytes of JSON`,
  )
export type ActionLink = z.output<typeof ActionLink>

/** The parameter `action` of the viewer: base64url of JSON. */
export const ActionLinkParameter = z
  .string()
  .max(Math.ceil((MAX_ACTION_BYTES * 4) / 3) + 2)
  .regex(/^[\w-]+$/)
  .transform((text, context): unknown => {
    try {
      return JSON.parse(Buffer.from(text, 'base64url').toString())
    } catch {
      context.addIssue('base64url of JSON')
      return z.NEVER
    }
  })
  .pipe(ActionLink)

/** The viewer of a document, at a place in it if one is given. */
export function placeAddress(door: Pick<Door, 'addresses'>, documentId: string, link?: ActionLink): string {
  const address = viewerAddress(door, documentId)
  if (link === undefined) return address
  return `${address}?action=${Buffer.from(JSON.stringify(link)).toString('base64url')}`
}
