import { createHash } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { type Response, Router } from 'express'
import { Problem } from '../errors.ts'
import { vendorRoutes } from './sdk-vendor.ts'

const FOLDER = new URL('../sdk/', import.meta.url)
/** Run from source, the modules are TypeScript; built, they are JavaScript. */
const EXTENSION = import.meta.url.endsWith('.ts') ? '.ts' : '.js'
const CACHED_S = 3600

type Script = { code: string; etag: string }

/**
 * `/sdk/nuto-sdk.js`, `/sdk/nuto-collaboration.js` and what they import, for pages of any site. From
 * source the imports end in `.ts`, and what comes is JavaScript all the same.
 */
export function sdkRoutes(): Router {
  const router = Router()
  const names = new Set(moduleNames())
  const scripts = new Map<string, Promise<Script>>()

  router.use((_request, response, next) => {
    forAnySite(response)
    next()
  })
  router.use('/vendor', vendorRoutes(CACHED_S))
  router.get('/*path', async (request, response) => {
    const asked = request.path.slice(1)
    const name = asked.replace(/\.js$/, EXTENSION)
    if (!names.has(name)) throw new Problem('route-not-found')
    const { code, etag } = await scriptOf(name)
    response
      .type('text/javascript')
      .set({ ETag: etag, 'Cache-Control': `public, max-age=${CACHED_S}` })
      .send(code)
  })

  function scriptOf(name: string): Promise<Script> {
    const known = scripts.get(name)
    if (known !== undefined) return known
    const read = readScript(name)
    scripts.set(name, read)
    read.catch(() => scripts.delete(name))
    return read
  }

  return router
}

/** Nothing in it is anybody's own. Source: Fetch Standard, CORS and Cross-Origin-Resource-Policy. */
function forAnySite(response: Response): void {
  response.set({ 'Access-Control-Allow-Origin': '*', 'Cross-Origin-Resource-Policy': 'cross-origin' })
}

function moduleNames(): string[] {
  return readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
    .map((name) => name.replaceAll('\\', '/'))
    .filter((name) => name.endsWith(EXTENSION) && !name.endsWith('.d.ts'))
}

async function readScript(name: string): Promise<Script> {
  const written = await readFile(fileURLToPath(new URL(name, FOLDER)), 'utf8')
  const code = name.endsWith('.ts') ? await withoutTypes(written) : written
  return { code, etag: `"${createHash('sha256').update(code).digest('base64url')}"` }
}

async function withoutTypes(source: string): Promise<string> {
  const { transformSync } = await import('amaro')
  return transformSync(source, { mode: 'strip-only' }).code
}
