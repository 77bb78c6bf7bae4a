import { createHash } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import compression from 'compression'
import { Router, static as serveStatic } from 'express'

const FOLDER = fileURLToPath(new URL('./assets', import.meta.url))
const FILES = globSync('**/*.{css,js,svg,png,webp}', { cwd: FOLDER }).sort()

/** Changes with any of them: a page never runs with scripts of the release before. */
const contents = FILES.reduce(
  (hash, name) => hash.update(`${name}\0`).update(readFileSync(join(FOLDER, name))),
  createHash('sha256'),
)
const VERSION = contents.digest('hex').slice(0, 12)

/** Path of what this release's pages load beside their HTML, below our address. */
export const ASSETS_PATH = `/assets/${VERSION}`

/** Styles, scripts and pictures of the pages. Another release's path gets what there is, and nobody keeps it. */
export function assetRoutes(): Router {
  const router = Router()
  router.use('/assets', compression())
  router.use(ASSETS_PATH, serveStatic(FOLDER, { maxAge: '1y', immutable: true, index: false }))
  const setHeaders = (response: ServerResponse) => response.setHeader('Cache-Control', 'no-cache')
  router.use('/assets/:version', serveStatic(FOLDER, { setHeaders, index: false }))
  return router
}
