import { fileURLToPath } from 'node:url'
import { type Request, type Response, Router } from 'express'
import type { Parts } from './emulator.ts'
import { tabRoutes } from './tab-routes.ts'

const ASSETS = fileURLToPath(new URL('./assets/', import.meta.url))
// Anything may be fetched and shown: history changes and avatars come from the host's addresses.
const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src *; img-src * data: blob:; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors *"

/** api.js, the editor page, and what that page asks for. */
export function browserRoutes(parts: Parts): Router {
  const router = Router()
  router.get('/web-apps/apps/api/documents/api.js', (_request, response) => sendAsset(response, 'api.js'))
  router.get('/web-apps/apps/editor/index.html', (_request, response) => sendAsset(response, 'editor.html'))
  // Where Document Server has the page of one of its editors: its headers say who may frame it.
  router.get('/web-apps/apps/documenteditor/main/index.html', (_request, response) =>
    sendAsset(response, 'editor.html'),
  )
  router.get('/web-apps/apps/editor/:name', (request: Request<{ name: string }>, response, next) => {
    const { name } = request.params
    if (/^[a-z-]+\.(js|css)$/.test(name)) sendAsset(response, name, next)
    else next()
  })
  router.use(tabRoutes(parts))
  return router
}

function sendAsset(response: Response, name: string, next?: (error?: unknown) => void): void {
  // The page is made to be framed and api.js to be loaded by any host page.
  response.removeHeader('X-Frame-Options')
  response.set('Content-Security-Policy', PAGE_POLICY)
  response.set('Cross-Origin-Resource-Policy', 'cross-origin')
  response.set('X-Content-Type-Options', 'nosniff')
  response.set('Cache-Control', 'no-cache')
  response.sendFile(name, { root: ASSETS }, (error) => {
    if (error && !response.headersSent) next?.()
  })
}
