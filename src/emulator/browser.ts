import { fileURLToPath } from 'node:url'
import express, { type Request, type Response, Router } from 'express'
import { BrowserTab } from './browser-tab.ts'
import type { Documents } from './documents.ts'
import { jsonBody } from './inbox.ts'
import type { Edit, SignedConfig } from './types.ts'
import type { Work } from './work.ts'

const ASSETS = fileURLToPath(new URL('./assets/', import.meta.url))
const MAX_BODY_BYTES = 16 * 1024 * 1024
const HEARTBEAT_MS = 20_000
const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors *"

/** api.js, the editor page, and what that page asks for. */
export function browserRoutes({ rows, work }: { rows: Documents; work: Work }): Router {
  const router = Router()
  const tabs = new Map<string, BrowserTab>()
  const heartbeat = setInterval(() => {
    for (const tab of tabs.values()) tab.beat()
  }, HEARTBEAT_MS)
  heartbeat.unref()
  work.signal.addEventListener('abort', () => {
    clearInterval(heartbeat)
    for (const tab of tabs.values()) tab.end()
  })

  router.get('/web-apps/apps/api/documents/api.js', asset('api.js'))
  router.get('/web-apps/apps/editor/index.html', asset('editor.html'))
  router.get('/web-apps/apps/editor/editor.js', asset('editor.js'))
  router.get('/web-apps/apps/editor/editor.css', asset('editor.css'))

  const body = express.text({ type: () => true, limit: MAX_BODY_BYTES })
  router.post('/editing', body, async (request, response) => {
    const config = configIn(request)
    if (!config) return void response.status(400).end()
    const tab = new BrowserTab(rows, work, () => tabs.delete(tab.id))
    tabs.set(tab.id, tab)
    await tab.open(config)
    response.status(201).json({ id: tab.id })
  })
  const onTab = (act: (tab: BrowserTab, request: Request, response: Response) => Promise<void> | void) => {
    return async (request: Request<{ id: string }>, response: Response) => {
      const tab = tabs.get(request.params.id)
      if (!tab) return void response.status(404).end()
      await act(tab, request as Request, response)
      if (!response.headersSent) response.status(204).end()
    }
  }
  router.get(
    '/editing/:id/events',
    onTab((tab, _request, response) => tab.stream(response)),
  )
  router.post(
    '/editing/:id/edits',
    body,
    onTab((tab, request) => tab.edit(editsIn(request))),
  )
  router.post(
    '/editing/:id/save',
    body,
    onTab((tab, request) => tab.save(editsIn(request))),
  )
  router.post(
    '/editing/:id/leave',
    body,
    onTab((tab, request) => tab.leave(editsIn(request))),
  )
  router.post(
    '/editing/:id/refresh',
    body,
    onTab(async (tab, request, response) => {
      const config = configIn(request)
      if (config) await tab.refresh(config)
      else response.status(400).end()
    }),
  )
  return router
}

function asset(name: string) {
  return (_request: Request, response: Response) => {
    // The page is made to be framed and api.js to be loaded by any host page.
    response.removeHeader('X-Frame-Options')
    response.set('Content-Security-Policy', PAGE_POLICY)
    response.set('Cross-Origin-Resource-Policy', 'cross-origin')
    response.set('X-Content-Type-Options', 'nosniff')
    response.set('Cache-Control', 'no-cache')
    response.sendFile(name, { root: ASSETS })
  }
}

function configIn(request: Request): SignedConfig | undefined {
  const { config } = jsonBody(request)
  if (typeof config !== 'object' || config === null || !('document' in config)) return undefined
  const { document } = config
  if (typeof document !== 'object' || document === null || !('key' in document)) return undefined
  // Every other field is checked against the token, whose shape is checked.
  return config as SignedConfig
}

function editsIn(request: Request): Edit[] {
  const { edits } = jsonBody(request)
  if (!Array.isArray(edits)) return []
  return edits.flatMap((edit: { index?: unknown; text?: unknown } | null) => {
    const { index, text } = edit ?? {}
    return typeof index === 'number' && typeof text === 'string' ? [{ index, text }] : []
  })
}
