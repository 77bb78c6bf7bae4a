import { type Request, Router } from 'express'
import { createStorageMeter } from '../../core/administration/storage-use.ts'
import { countSavesAtRisk } from '../../metadata/saves.ts'
import { shownSize, shownTime, shownTitle } from '../files/shown.ts'
import type { SignedInPages } from '../signed-in.ts'
import { auditPart } from './audit.ts'
import { conversionsPart } from './conversions.ts'
import { linksPart } from './links.ts'
import { savesPart } from './saves.ts'
import { sessionsPart } from './sessions.ts'
import { storagePart } from './storage.ts'
import { webhooksPart } from './webhooks.ts'

/** What a part of the page shows; for its template. */
type ShowPart = (request: Request) => Promise<Record<string, unknown>>

/** What an operator looks after, one part a page. */
export function operationsPages({ deps, send, basePath }: SignedInPages): Router {
  const router = Router()
  const storageUse = createStorageMeter(deps)
  const parts = new Map<string, { label: string; show: ShowPart }>([
    ['sessions', { label: 'Open sessions', show: () => sessionsPart(deps) }],
    ['saves', { label: 'Saves', show: () => savesPart(deps) }],
    ['webhooks', { label: 'Webhooks', show: ({ query }) => webhooksPart(deps, query.id) }],
    ['links', { label: 'Linked files', show: () => linksPart(deps) }],
    ['conversions', { label: 'Conversions', show: () => conversionsPart(deps) }],
    ['audit', { label: 'Audit trail', show: ({ query }) => auditPart(deps, query) }],
    ['storage', { label: 'Storage', show: () => storagePart(storageUse) }],
  ])
  const tabs = [...parts].map(([name, { label }]) => ({ name, label }))

  router.get('/operations', (_request, response) => {
    response.redirect(303, `${basePath}/operations/sessions`)
  })

  router.get('/operations/:part', async (request, response, next) => {
    const { part: name } = request.params
    const part = parts.get(name)
    if (part === undefined) return next()
    const { count: atRisk } = await countSavesAtRisk(deps.database)
    send(request, response, {
      name: 'operations',
      section: 'operations',
      title: part.label,
      data: {
        style: 'tables',
        part: name,
        tabs,
        atRisk,
        shownSize: (bytes: number) => shownSize(bytes).replace(' ', '\u00a0'),
        shownTime,
        shownTitle,
        ...(await part.show(request)),
      },
      forScript: { part: name },
    })
  })
  return router
}
