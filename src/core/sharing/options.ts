import { z } from 'zod'
import { Customization } from './customization.ts'

const Group = z.string().max(100)
const Groups = z.array(Group).max(50)

/** Whose changes, comments and names somebody works with. Source: ONLYOFFICE Docs API, Permissions. */
export const GroupRules = z.strictObject({
  review: Groups.optional(),
  comment: z
    .strictObject({ view: Groups.optional(), edit: Groups.optional(), remove: Groups.optional() })
    .optional(),
  userInfo: Groups.optional(),
})

/** What goes with an embed or a link beside its grants. */
export const SharingOptions = z.strictObject({
  groups: GroupRules.optional(),
  /** Drawn over every page; `{user}`, `{date}` are filled in. */
  watermark: z.string().min(1).max(200).optional(),
  customization: Customization.optional(),
})
export type SharingOptions = z.output<typeof SharingOptions>

/** Somebody that Document Server knows by this id; `group` is what `GroupRules` speak of. */
export const SharedUser = z.strictObject({
  id: z.string().min(1).max(128),
  name: z.string().min(1).max(100),
  group: z.string().max(300).optional(),
})
export type SharedUser = z.output<typeof SharedUser>
