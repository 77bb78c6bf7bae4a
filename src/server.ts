import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import express, { type Express, type Response } from 'express'
import type { Dialect } from 'kysely'
import { apiRoutes } from './api/router.ts'
import { startBackground } from './background.ts'
import { MemoryBackplane } from './backplane/memory.ts'
import { DiskBlobs, type Files } from './blobs/disk.ts'
import type { Config } from './config.ts'
import type { Deps } from './core/deps.ts'
import { createEvents } from './core/events.ts'
import { KeyLocks } from './core/key-locks.ts'
import { createTokens } from './core/tokens.ts'
import { type DocServerOptions, HttpDocServer } from './docserver/client.ts'
import { createContentCheck } from './docserver/content-check.ts'
import type { Addresses } from './docserver/door.ts'
import { docServerRoutes } from './docserver/routes.ts'
import { createDocServerTokens } from './docserver/tokens.ts'
import { Emulator } from './emulator/emulator.ts'
import { Problem } from './errors.ts'
import { createAuthentication } from './http/authentication.ts'
import { cors } from './http/cors.ts'
import { errorPage } from './http/error-page.ts'
import { createLimits } from './http/limits.ts'
import { problemJson } from './http/problem-json.ts'
import { requestLog } from './http/request-log.ts'
import { createLogger, type Logger } from './log.ts'
import { openDatabase } from './metadata/database.ts'
import { keyPrefix } from './metadata/installation.ts'
import { failInterrupted } from './metadata/saves.ts'
import { createMetrics } from './metrics.ts'
import { operationRoutes } from './operation.ts'
import { serviceHeaders } from './pages/headers.ts'
import { pageRoutes } from './pages/routes.ts'
import { createViews } from './pages/views.ts'
import { deriveKey, loadSecrets } from './secrets.ts'

/** How long the listener stays open after `/ready` says 503, so that balancers notice. */
const NOTICE_MS = 300

/** What tests put in place of the real thing. */
export type Overrides = {
  clock?: () => Date
  log?: Logger
  files?: Files
  wrapDialect?: (dialect: Dialect) => Dialect
  agents?: NonNullable<DocServerOptions['agents']>
  /** False: ticks and rounds happen only when the test makes them. */
  background?: boolean
}

export type Service = AsyncDisposable & {
  url: string
  deps: Deps
  /** Ends within `SHUTDOWN_S`: no new saves, those in flight finish. */
  close(): Promise<void>
}

/**
 * Puts adapters, use-cases and doors together and listens.
 *
 * @throws Error of the system when the address is taken or the data folder cannot be written
 */
export async function startService(config: Config, overrides: Overrides = {}): Promise<Service> {
  const clock = overrides.clock ?? (() => new Date())
  const log = overrides.log ?? createLogger(config)
  const secrets = loadSecrets(config.DATA_DIR, config)
  const database = await openDatabase(config.DATABASE_URL, overrides.wrapDialect)
  const blobs = await DiskBlobs.open({
    root: resolve(config.BLOBS_URL.slice('file:'.length)),
    ...(overrides.files === undefined ? {} : { files: overrides.files }),
  })
  await blobs.removeLeftovers()
  const interrupted = await failInterrupted(database, config.NODE_NAME, clock().toISOString())
  if (interrupted > 0)
    log.warn({ interrupted }, 'saves were in flight when the last process ended; Document Server holds them')

  const handler: { app?: Express } = {}
  const server = createServer(
    { headersTimeout: config.HEADERS_TIMEOUT_S * 1000, requestTimeout: 0, connectionsCheckingInterval: 5000 },
    (request, response) => handler.app?.(request, response),
  )
  const port = await listen(server, config)
  const addresses = addressesOf(config, port)
  const docServerSecret =
    config.ONLYOFFICE_JWT_SECRET ?? deriveKey(secrets.rootSecret, 'emulator').toString('hex')
  const docServerTokens = createDocServerTokens(
    { secret: docServerSecret, previous: config.ONLYOFFICE_JWT_SECRET_PREVIOUS },
    clock,
  )
  const deps: Deps = {
    config,
    clock,
    log,
    metrics: createMetrics(),
    database,
    blobs,
    docServer:
      addresses.docServerUrl === undefined
        ? undefined
        : new HttpDocServer({
            addresses: {
              publicUrl: addresses.docServerUrl,
              internalUrl: addresses.docServerInternalUrl,
              otherOrigins: config.DOWNLOAD_ORIGINS,
            },
            tokens: docServerTokens,
            header: config.ONLYOFFICE_JWT_HEADER,
            caFile: config.ONLYOFFICE_CA_FILE,
            commandTimeoutS: config.COMMAND_TIMEOUT_S,
            stallS: config.DOWNLOAD_STALL_S,
            ...(overrides.agents === undefined ? {} : { agents: overrides.agents }),
          }),
    events: createEvents(
      new MemoryBackplane({ onError: (error) => log.error({ err: error }, 'a listener failed') }),
    ),
    locks: new KeyLocks(),
    keyPrefix: await keyPrefix(database),
  }
  const emulator = config.isEmulated
    ? new Emulator({ secret: docServerSecret, publicUrl: addresses.docServerUrl ?? '', maxCallbacks: 100 })
    : undefined
  const stopping = { isStopping: false }
  const streams = new Set<Response>()
  handler.app = createApp({ deps, addresses, secrets, docServerTokens, emulator, stopping, streams })
  const background = overrides.background === false ? undefined : startBackground(deps)

  let closed: Promise<void> | undefined
  const close = () => {
    closed ??= (async () => {
      stopping.isStopping = true
      await background?.stop()
      await drain(server, streams, config.SHUTDOWN_S)
      await emulator?.close()
      await database.destroy()
    })()
    return closed
  }
  return { url: addresses.localUrl, deps, close, [Symbol.asyncDispose]: close }
}

type Parts = {
  deps: Deps
  addresses: ServiceAddresses
  secrets: { rootSecret: string; adminToken: string }
  docServerTokens: ReturnType<typeof createDocServerTokens>
  emulator: Emulator | undefined
  stopping: { isStopping: boolean }
  streams: Set<Response>
}

function createApp({
  deps,
  addresses,
  secrets,
  docServerTokens,
  emulator,
  stopping,
  streams,
}: Parts): Express {
  const { config, clock, log } = deps
  const tokens = createTokens(secrets.rootSecret, clock)
  const authentication = createAuthentication(deps, tokens, secrets.adminToken)
  const limits = createLimits(config)
  const basePath = new URL(addresses.publicUrl).pathname.replace(/\/+$/, '')
  const views = createViews({ basePath, isEmulated: config.isEmulated })
  const isStopping = () => stopping.isStopping

  const routes = express.Router()
  routes.use(operationRoutes({ deps, limits, adminToken: secrets.adminToken, isStopping }))
  if (emulator !== undefined) routes.use('/emulator', emulator.router)
  routes.use(serviceHeaders(addresses))
  routes.use(
    '/assets',
    express.static(fileURLToPath(new URL('./pages/assets', import.meta.url)), { maxAge: '1h', index: false }),
  )
  routes.use('/api', cors(config.CORS_ORIGINS))
  routes.use(
    '/api/onlyoffice',
    docServerRoutes({
      deps,
      tokens,
      docServerTokens,
      addresses,
      authentication,
      limits,
      views,
      streams,
      openableFormat: createContentCheck(deps.blobs),
      unsignedCallbacks: { count: 0, lastAt: undefined },
      isStopping,
    }),
  )
  routes.use('/api', apiRoutes({ deps, tokens, authentication, limits }))
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

type ServiceAddresses = Addresses & { localUrl: string; docServerInternalUrl: string }

function addressesOf(config: Config, port: number): ServiceAddresses {
  const host = ['0.0.0.0', '::'].includes(config.HOST) ? '127.0.0.1' : config.HOST
  const localUrl = `http://${host.includes(':') ? `[${host}]` : host}:${port}${config.BASE_PATH}`
  const publicUrl = config.PUBLIC_URL ?? `http://localhost:${port}${config.BASE_PATH}`
  // Document Server on this machine reaches us here; elsewhere PUBLIC_URL or INTERNAL_URL is set.
  const internalUrl = config.INTERNAL_URL ?? (config.isEmulated ? localUrl : publicUrl)
  const docServerUrl = config.ONLYOFFICE_URL ?? (config.isEmulated ? `${publicUrl}/emulator` : undefined)
  const docServerInternalUrl =
    config.ONLYOFFICE_INTERNAL_URL ?? (config.isEmulated ? `${localUrl}/emulator` : (docServerUrl ?? ''))
  return { localUrl, publicUrl, internalUrl, docServerUrl, docServerInternalUrl }
}

function listen(server: Server, { PORT, HOST }: Pick<Config, 'PORT' | 'HOST'>): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(PORT, HOST, () => {
      server.off('error', reject)
      resolve((server.address() as AddressInfo).port)
    })
  })
}

async function drain(server: Server, streams: Set<Response>, mostS: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, NOTICE_MS))
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  for (const stream of streams) stream.end()
  server.closeIdleConnections()
  const timer = setTimeout(() => server.closeAllConnections(), mostS * 1000 - 2 * NOTICE_MS)
  await closed
  clearTimeout(timer)
}

/** A number of hops, or addresses and their nicknames. Source: Express, trust proxy. */
function trustedProxies(value: string | undefined): boolean | number | string {
  if (value === undefined || value === 'false') return false
  if (value === 'true') return true
  return /^\d+$/.test(value) ? Number(value) : value
}
