import express, { type Request, type Response, Router } from 'express'
import { BrowserTab } from './browser-tab.ts'
import type { Parts } from './emulator.ts'
import { jsonBody } from './inbox.ts'
import type { Edit, SignedConfig } from './types.ts'

const MAX_BODY_BYTES = 16 * 1024 * 1024
const HEARTBEAT_MS = 20_000

type Act = (tab: BrowserTab, request: Request, response: Response) => Promise<void> | void

/** What the editor page asks for. */
export function tabRoutes(parts: Parts): Router {
  const router = Router()
  const tabs = new Map<string, BrowserTab>()
  const heartbeat = setInterval(() => {
    for (const tab of tabs.values()) tab.beat()
  }, HEARTBEAT_MS)
  heartbeat.unref()
  parts.work.signal.addEventListener('abort', () => {
    clearInterval(heartbeat)
    for (const tab of tabs.values()) tab.end()
  })

  const body = express.text({ type: () => true, limit: MAX_BODY_BYTES })
  const rawBody = express.raw({ type: () => true, limit: MAX_BODY_BYTES })
  const onTab = (act: Act, unknownTab = 404) => {
    return async (request: Request<{ id: string }>, response: Response) => {
      const tab = tabs.get(request.params.id)
      if (!tab) return void response.status(unknownTab).end()
      await act(tab, request as Request, response)
      if (!response.headersSent) response.status(204).end()
    }
  }
  const post = (path: string, act: Act, unknownTab?: number) =>
    router.post(`/editing/:id/${path}`, body, onTab(act, unknownTab))

  router.post('/editing', body, async (request, response) => {
    const config = configIn(request)
    if (!config) return void response.status(400).end()
    const tab = new BrowserTab(parts, () => tabs.delete(tab.id))
    tabs.set(tab.id, tab)
    await tab.open(config)
    response.status(201).json({ id: tab.id })
  })
  router.get(
    '/editing/:id/events',
    onTab((tab, _request, response) => tab.stream(response)),
  )
  post('edits', (tab, request) => tab.edit(editsIn(request)))
  post('save', (tab, request) => tab.save(editsIn(request)))
  post('submit', (tab, request) => tab.submit(editsIn(request), jsonBody(request).fields ?? []))
  post('mode', (tab, request) => tab.setStrict(jsonBody(request).mode === 'strict', editsIn(request)))
  post('disconnect', (tab, request) => tab.disconnect(editsIn(request)))
  post('leave', (tab, request) => tab.leave(editsIn(request)))
  post('refresh', async (tab, request, response) => {
    const config = configIn(request)
    if (config) await tab.refresh(config)
    else response.status(400).end()
  })
  post('copy', async (tab, request, response) => {
    const { fileType, version } = jsonBody(request)
    const copy = await tab.copy(
      editsIn(request),
      typeof fileType === 'string' ? fileType : undefined,
      version,
    )
    if (copy) response.json(copy)
    else response.status(422).end()
  })
  // A page that is going away may still send these.
  post('events', (tab, request) => tab.addEvent(String(jsonBody(request).name), jsonBody(request).data), 204)
  post(
    'calls',
    async (tab, request, response) => {
      const { method, argument } = jsonBody(request)
      response.json(await tab.call(String(method), argument))
    },
    204,
  )
  router.post(
    '/editing/:id/calls/:number/changes',
    rawBody,
    onTab((tab, request) => {
      const bytes = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
      tab.addChanges(Number(request.params.number), Number(request.query.status) || 0, bytes)
    }, 204),
  )
  return router
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
