import { type Request, Router } from 'express'
import { shownTime, shownTitle } from '../files/shown.ts'
import type { SignedInPages } from '../signed-in.ts'
import { apiKeysPart } from './api-keys.ts'
import { shownConfiguration } from './configuration.ts'

type ShowPart = (request: Request) => Record<string, unknown> | Promise<Record<string, unknown>>

/** API keys, how things look, and how the service is configured. */
export function settingsPages({ deps, send, basePath }: SignedInPages): Router {
  const router = Router()
  const parts = new Map<string, { label: string; show: ShowPart }>([
    ['api-keys', { label: 'API keys', show: () => apiKeysPart(deps) }],
    [
      'appearance',
      {
        label: 'Appearance',
        show: () => ({ customization: JSON.stringify(deps.config.EDITOR_CUSTOMIZATION, null, 2) }),
      },
    ],
    ['configuration', { label: 'Configuration', show: () => ({ groups: shownConfiguration(deps.config) }) }],
  ])
  const tabs = [...parts].map(([name, { label }]) => ({ name, label }))

  router.get('/settings', (_request, response) => {
    response.redirect(303, `${basePath}/settings/api-keys`)
  })

  router.get('/settings/:part', async (request, response, next) => {
    const { part: name } = request.params
    const part = parts.get(name)
    if (part === undefined) return next()
    send(request, response, {
      name: 'settings',
      section: 'settings',
      title: part.label,
      data: {
        style: 'tables',
        part: name,
        tabs,
        shownTime,
        shownTitle,
        ...(await part.show(request)),
      },
    })
  })
  return router
}
