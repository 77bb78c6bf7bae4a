import compression from 'compression'
import express, { type Express, type Response } from 'express'
import type { ServiceAddresses } from './addresses.ts'
import { createRepeats } from './api/repeats.ts'
import { apiRoutes } from './api/router.ts'
import type { Deps } from './core/deps.ts'
import type { Tokens } from './core/tokens.ts'
import { createContentCheck } from './docserver/content-check.ts'
import type { Door } from './docserver/door.ts'
import { embedRoute } from './docserver/embed-route.ts'
import { linkRoute } from './docserver/link-route.ts'
import { docServerRoutes } from './docserver/routes.ts'
import type { DocServerTokens } from './docserver/tokens.ts'
import type { ContinuousDoctor } from './doctor/continuous.ts'
import type { Emulator } from './emulator/emulator.ts'
import { Problem } from './errors.ts'
import type { Authentication } from './http/authentication.ts'
import { cors } from './http/cors.ts'
import { createCsrf } from './http/csrf.ts'
import { errorPage } from './http/error-page.ts'
import type { Limits } from './http/limits.ts'
import { problemJson } from './http/problem-json.ts'
import { requestLog } from './http/request-log.ts'
import type { HubDoor } from './hub/hub-door.ts'
import { operationRoutes } from './operation.ts'
import { apiDocsRoutes } from './pages/api-docs.ts'
import { createAppPages } from './pages/app-page.ts'
import { assetRoutes } from './pages/asset-routes.ts'
import { demoRoutes } from './pages/demo.ts'
import { serviceHeaders } from './pages/headers.ts'
import { pageRoutes } from './pages/routes.ts'
import { sdkRoutes } from './pages/sdk.ts'
import { signedInPages } from './pages/signed-in.ts'
import { createViews } from './pages/views.ts'
import type { Secrets } from './secrets.ts'

/** Below our address. Source: Nuto Office API, Real-time collaboration. */
export const HUB_PATH = '/hubs/document'

export type AppParts = {
  deps: Deps
  addresses: ServiceAddresses
  secrets: Secrets
  tokens: Tokens
  authentication: Authentication
  limits: Limits
  docServerTokens: DocServerTokens
  hub: HubDoor['server']
  doctor: ContinuousDoctor
  emulator: Emulator | undefined
  isStopping: () => boolean
  /** Open event streams, for the stop. */
  streams: Set<Response>
}

/** Mounts the doors. */
export function createApp({
  deps,
  addresses,
  secrets,
  tokens,
  authentication,
  limits,
  docServerTokens,
  hub,
  doctor,
  emulator,
  isStopping,
  streams,
}: AppParts): Express {
  const { config, log } = deps
  const basePath = new URL(addresses.publicUrl).pathname.replace(/\/+$/, '')
  const views = createViews({ basePath, isEmulated: config.isEmulated })

  const routes = express.Router()
  routes.use(operationRoutes({ deps, limits, adminToken: secrets.adminToken, isStopping }))
  if (emulator !== undefined) routes.use('/emulator', emulator.router)
  routes.use(serviceHeaders(addresses))
  // Its rates are by connection and client; only failures to get in are counted by address.
  routes.use(HUB_PATH, limits.failures, (request, response) =>
    hub.handle(request, response, request.path.replace(/\/$/, '')),
  )
  routes.use(assetRoutes())
  routes.use('/sdk', compression(), sdkRoutes())
  routes.use('/api/docs', compression(), apiDocsRoutes(views))
  // The page of Document Server fetches files itself, whatever sites are named.
  if (addresses.docServerUrl !== undefined)
    routes.use('/api/onlyoffice/file', cors([new URL(addresses.docServerUrl).origin]))
  routes.use('/api', cors(config.CORS_ORIGINS))
  const csrf = createCsrf(secrets.rootSecret, addresses.publicUrl)
  const door: Door = {
    deps,
    tokens,
    docServerTokens,
    addresses,
    authentication,
    csrf,
    limits,
    views,
    streams,
    doctor,
    openableFormat: createContentCheck(deps.blobs),
    unsignedCallbacks: { count: 0, lastAt: undefined },
    isStopping,
  }
  routes.use('/api/onlyoffice', docServerRoutes(door))
  routes.use('/embed', limits.requests, limits.failures, embedRoute(door))
  routes.use('/open', limits.requests, limits.failures, linkRoute(door))
  routes.use(
    '/api',
    apiRoutes({
      deps,
      tokens,
      authentication,
      csrf,
      doctor,
      limits,
      repeats: createRepeats(deps, secrets.rootSecret),
      publicUrl: addresses.publicUrl,
      internalUrl: addresses.internalUrl,
    }),
  )
  // Files and answers of the API go as they are: ranges and tags of both are of their own bytes.
  routes.use(compression())
  const send = createAppPages(views, csrf, basePath)
  routes.use(signedInPages({ deps, tokens, send, basePath, streams, doctor }))
  routes.use('/demo', demoRoutes({ deps, tokens, views, publicUrl: addresses.publicUrl }))
  routes.use(
    pageRoutes({
      deps,
      tokens,
      limits,
      views,
      publicUrl: addresses.publicUrl,
      adminToken: secrets.adminToken,
    }),
  )

  const app = express().disable('x-powered-by').set('etag', false).set('query parser', 'simple')
  app.set('trust proxy', trustedProxies(config.TRUST_PROXY))
  app.use((_request, response, next) => {
    // A busy connection would otherwise outlive the listener.
    if (isStopping()) response.set('Connection', 'close')
    next()
  })
  app.use(requestLog(log))
  // Behind a proxy that strips the sub-path the same routes answer without it.
  if (config.BASE_PATH !== '') app.use(config.BASE_PATH, routes)
  app.use(routes)
  app.use(() => {
    throw new Problem('route-not-found')
  })
  app.use(errorPage(views, log), problemJson(log))
  return app
}

/** A number of hops, or addresses and their nicknames. Source: Express, trust proxy. */
function trustedProxies(value: string | undefined): boolean | number | string {
  if (value === undefined || value === 'false') return false
  if (value === 'true') return true
  return /^\d+$/.test(value) ? Number(value) : value
}
