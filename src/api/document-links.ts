import { z } from 'zod'
import { GRANTS } from '../core/sharing/grants.ts'
import { createLink, type Link, listLinks, revokeLink } from '../core/sharing/links.ts'
import { SharedUser, SharingOptions } from '../core/sharing/options.ts'
import type { Api } from './api.ts'
import { Id, Moment, OfDocument, Time } from './fields.ts'
import { type Operation, operation } from './operation.ts'

/** A link without an end: its row says when it ends. */
const UNLIMITED_S = 50 * 365 * 86_400

const Grant = z.enum(GRANTS)

const NewLink = z.object({
  grants: z.array(Grant).min(1).max(GRANTS.length),
  user: SharedUser.optional().meta({ description: 'Whom it lets in; absent: guests, who choose a name' }),
  expiresAt: Moment.optional(),
  options: SharingOptions.default({}),
})

const LinkJson = z
  .object({
    id: z.uuid(),
    url: z.string(),
    grants: z.array(Grant),
    user: SharedUser.nullable(),
    options: SharingOptions,
    madeBy: z.string(),
    createdAt: Time,
    expiresAt: Time.nullable(),
    revokedAt: Time.nullable(),
  })
  .meta({ id: 'Link' })

/** Addresses that let somebody in to one document; ours, beyond the API page. */
export function documentLinkOperations({ deps, tokens, publicUrl }: Api): Operation[] {
  const common = { tag: 'Links', access: 'token', permission: 'documents:write' } as const
  return [
    operation({
      ...common,
      method: 'post',
      paths: ['/documents/:documentId/links'],
      summary: 'An address that opens the document with these grants',
      params: OfDocument,
      body: NewLink,
      answer: { status: 201, json: LinkJson },
      problems: ['document-not-found'],
      isRepeatable: true,
      handle: async ({ caller, params, body }) =>
        json(await createLink(deps, caller, { ...params, ...body })),
    }),

    operation({
      ...common,
      method: 'get',
      paths: ['/documents/:documentId/links'],
      summary: 'List the links of a document, newest first',
      params: OfDocument,
      answer: { status: 200, json: z.object({ links: z.array(LinkJson) }) },
      problems: ['document-not-found'],
      handle: async ({ caller, params }) => ({
        links: (await listLinks(deps, caller, params.documentId)).map(json),
      }),
    }),

    operation({
      ...common,
      method: 'delete',
      paths: ['/documents/:documentId/links/:linkId'],
      summary: 'End a link; whom it let in is dropped after a save of what they typed',
      params: OfDocument.extend({ linkId: Id }),
      answer: { status: 204 },
      problems: ['document-not-found', 'link-not-found'],
      async handle({ caller, params }) {
        await revokeLink(deps, caller, params)
      },
    }),
  ]

  function json({ documentId: _, ...link }: Link): z.input<typeof LinkJson> {
    return { ...link, url: `${publicUrl}/open/${tokens.issue('link', { linkId: link.id }, UNLIMITED_S)}` }
  }
}
