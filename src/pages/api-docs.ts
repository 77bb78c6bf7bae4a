import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { Router } from 'express'
import { z } from 'zod'
import type { Views } from './views.ts'

const PACKAGE = createRequire(import.meta.url).resolve('swagger-ui-dist/package.json')
const { version } = z.object({ version: z.string() }).parse(JSON.parse(readFileSync(PACKAGE, 'utf8')))

/** What the page needs of Swagger UI. */
const FILES = ['swagger-ui.css', 'swagger-ui-bundle.js']

/** `/api/docs`: the description of the API to read and to try, with nothing from other sites. */
export function apiDocsRoutes(views: Views): Router {
  const router = Router()

  router.get('/', (_request, response) => {
    response.set('Cache-Control', 'no-store').send(views.render('api-docs', { version }))
  })
  for (const name of FILES) {
    router.get(`/assets/${version}/${name}`, (_request, response) => {
      response.sendFile(name, { root: dirname(PACKAGE), maxAge: '1y', immutable: true })
    })
  }
  return router
}
