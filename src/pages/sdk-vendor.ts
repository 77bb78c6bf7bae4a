import { readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import express, { Router } from 'express'
import { Problem } from '../errors.ts'

const { resolve } = createRequire(import.meta.url)

/** The folder of each package that holds its ECMAScript modules, and which of its files they are. */
const PACKAGES = {
  yjs: { folder: dirname(resolve('yjs')), modules: /^yjs\.mjs$/ },
  lib0: { folder: dirname(resolve('lib0/package.json')), modules: /^((trait|prng)\/)?[\w.-]+\.js$/ },
  'y-protocols': { folder: dirname(resolve('y-protocols/package.json')), modules: /^[\w.-]+\.js$/ },
  '@microsoft/signalr': {
    folder: join(dirname(resolve('@microsoft/signalr/package.json')), 'dist/esm'),
    modules: /^[\w.-]+\.js$/,
  },
}
const NOT_FOR_BROWSERS = /\.(test|node|deno)\.js$/

/**
 * What the SDK's collaboration builds on, for pages without a bundler, by the names of the packages:
 * `/yjs/yjs.mjs`, `/lib0/…`, `/y-protocols/…`, `/@microsoft/signalr/index.js`. Of these packages
 * only the modules; `.js` may be left out, as their own imports do.
 *
 * @param cachedS seconds
 */
export function vendorRoutes(cachedS: number): Router {
  const router = Router()
  for (const [name, { folder, modules }] of Object.entries(PACKAGES)) {
    const files = new Set(
      readdirSync(folder, { recursive: true, encoding: 'utf8' })
        .map((file) => file.replaceAll('\\', '/'))
        .filter((file) => modules.test(file) && !NOT_FOR_BROWSERS.test(file)),
    )
    router.use(
      `/${name}`,
      (request, _response, next) => {
        const asked = request.path.slice(1)
        if (!files.has(asked) && !files.has(`${asked}.js`)) throw new Problem('route-not-found')
        next()
      },
      express.static(folder, { extensions: ['js'], index: false, redirect: false, maxAge: cachedS * 1000 }),
    )
  }
  return router
}
