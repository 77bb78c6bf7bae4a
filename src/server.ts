import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Express, Response } from 'express'
import type { Dialect } from 'kysely'
import { addressesOf } from './addresses.ts'
import { createApp, HUB_PATH } from './app.ts'
import { startBackground } from './background.ts'
import { openBackplane } from './backplane/open-backplane.ts'
import type { Files } from './blobs/disk.ts'
import { type OpenedBlobs, openBlobs } from './blobs/open-blobs.ts'
import type { Config } from './config.ts'
import { createKnownConversions } from './core/conversions.ts'
import type { Deps } from './core/deps.ts'
import { documentEventsNow } from './core/document-events-now.ts'
import { createEvents } from './core/events.ts'
import { createHealthProbe } from './core/health.ts'
import { createMakeFile } from './core/json-content/make-file.ts'
import { createLocks } from './core/locks.ts'
import { instanceOf, joinNodes } from './core/nodes.ts'
import { createOpenings } from './core/openings.ts'
import { createKnownAdmissions } from './core/sharing/admissions.ts'
import { createTokens } from './core/tokens.ts'
import { Updates } from './core/updates/updates.ts'
import { webhookSecret } from './core/webhooks/signature.ts'
import { lockDataFolder } from './data-folder.ts'
import type { DocServerOptions } from './docserver/client.ts'
import { docServerOf } from './docserver/configured.ts'
import { createDocServerTokens } from './docserver/tokens.ts'
import { createContinuousDoctor } from './doctor/continuous.ts'
import type { Emulator } from './emulator/emulator.ts'
import { createAuthentication } from './http/authentication.ts'
import { createLimits } from './http/limits.ts'
import { type HubDoor, openHub } from './hub/hub-door.ts'
import { LibreOffice } from './libreoffice/libreoffice.ts'
import { createLogger, type Logger, withoutQuery } from './log.ts'
import { blobDeletions } from './metadata/blob-deletions.ts'
import { isAnswering, openDatabase } from './metadata/database.ts'
import { GroupCommit } from './metadata/group-commit.ts'
import { keyPrefix } from './metadata/installation.ts'
import { createMetrics } from './metrics.ts'
import { HttpRemoteFiles } from './remote/http-remote-files.ts'
import { createSeal, deriveKey, loadSecrets } from './secrets.ts'
import { sharedSettings } from './shared-settings.ts'
import { createAddressGuard } from './webhooks/address-guard.ts'
import { HttpWebhookSender } from './webhooks/http-sender.ts'

/** How long the listener stays open after `/ready` says 503, so that balancers notice. */
const NOTICE_MS = 300
/** Longer than proxies keep idle connections to us: a request on one that we just closed would fail. */
const KEEP_ALIVE_MS = 75_000
/** Document Server repeats a callback's fields in a header, userdata of any length among them. */
const MAX_HEADER_BYTES = 64 * 1024
/** How long Document Server may take to fetch what it draws. */
const SOURCE_TOKEN_S = 3600
/** How often connections that have become idle are closed while the service stops. */
const IDLE_CHECK_MS = 50
/** What is left of `SHUTDOWN_S` for closing what is not a request. */
const LAST_STEPS_MS = 1000

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
  hub: HubDoor
  /** Ends within `SHUTDOWN_S`: no new saves, those in flight finish. */
  close(): Promise<void>
}

/**
 * Puts adapters, use-cases and doors together and listens. What was opened is closed again when a
 * later step fails.
 *
 * @throws Error when the address is taken, the data folder cannot be written or is in use
 */
export async function startService(config: Config, overrides: Overrides = {}): Promise<Service> {
  const clock = overrides.clock ?? (() => new Date())
  const log = overrides.log ?? createLogger(config)
  await using opened = new AsyncDisposableStack()

  opened.defer(lockDataFolder(config.DATA_DIR))
  const secrets = loadSecrets(config.DATA_DIR, config)
  const database = await openDatabase(config.DATABASE_URL, {
    wrap: overrides.wrapDialect,
    pool: config.DATABASE_POOL,
    node: instanceOf(config.DATA_DIR),
  })
  opened.defer(() => database.destroy())
  const { files } = overrides
  const blobs = await openBlobs(config, { files, deletions: blobDeletions(database) })
  opened.defer(() => blobs.close())
  await blobs.removeLeftovers().catch((error: unknown) => {
    // A disk that cannot be read is no place to start on; S3 may be away for a moment.
    if (!config.BLOBS_URL.startsWith('s3:')) throw error
    log.warn({ err: error }, 'leftovers of uploads not removed')
  })
  const membership = await joinNodes(
    { database, config, clock, log },
    sharedSettings(config, secrets.rootSecret),
  )
  opened.defer(() => membership.leave())
  const prefix = await keyPrefix(database)
  await demandOwnBlobs(blobs, prefix, log)
  const { backplane, redis } = await openBackplane(config, log, { prefix })
  opened.defer(() => backplane.close())
  // Loaded only where it stands in: it costs memory.
  const emulatorClass = config.isEmulated ? (await import('./emulator/emulator.ts')).Emulator : undefined

  const libreOffice = await LibreOffice.open({
    searchPath: config.PATH,
    folder: join(config.DATA_DIR, 'conversions'),
  })
  opened.defer(() => libreOffice.close())

  const handler: { app?: Express; emulator?: Emulator; isHub?: (request: IncomingMessage) => boolean } = {}
  // After the listener: saves in flight still fetch from it.
  opened.defer(() => handler.emulator?.close())
  const server = createServer(
    {
      headersTimeout: config.HEADERS_TIMEOUT_S * 1000,
      // Uploads are limited by stalling, bodies that are read whole by a deadline.
      requestTimeout: 0,
      connectionsCheckingInterval: 5000,
      keepAliveTimeout: KEEP_ALIVE_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
      // Everything else stays a request, also when it offers HTTP/2 as Java's client does.
      shouldUpgradeCallback: (request) => handler.isHub?.(request) === true,
    },
    (request, response) => {
      if (handler.app !== undefined) return handler.app(request, response)
      // Its address is known before its last parts stand.
      response.writeHead(503, { 'Retry-After': '1' }).end()
    },
  )
  const port = await listen(server, config)
  const streams = new Set<Response>()
  const stopping = new AbortController()
  opened.defer(() => drain(server, streams, config.SHUTDOWN_S))

  const addresses = addressesOf(config, port)
  const secret = config.ONLYOFFICE_JWT_SECRET ?? deriveKey(secrets.rootSecret, 'emulator').toString('hex')
  const docServerTokens = createDocServerTokens(
    { secret, previous: config.ONLYOFFICE_JWT_SECRET_PREVIOUS },
    clock,
  )
  const docServer = docServerOf(config, addresses, docServerTokens, overrides.agents)
  const tokens = createTokens(secrets.rootSecret, clock, secrets.adminToken)
  const deps: Deps = {
    config,
    clock,
    log,
    metrics: createMetrics(),
    database,
    commits: new GroupCommit(database),
    blobs,
    docServer,
    isDocServerHealthy: createHealthProbe(async () => (await docServer?.isHealthy()) === true),
    supports: {
      isDatabaseHealthy: createHealthProbe(() => isAnswering(database)),
      areBlobsHealthy: createHealthProbe(() => blobs.isReachable()),
      backplaneTrouble: () => backplane.trouble(),
    },
    converter: libreOffice,
    makeFile: createMakeFile(),
    knownConversions: createKnownConversions(),
    events: createEvents(backplane, (id) => documentEventsNow({ database, log }, id)),
    locks: createLocks({ database, config, log }, membership.instance),
    keyPrefix: prefix,
    openings: createOpenings(),
    admissions: createKnownAdmissions(),
    webhookSender: new HttpWebhookSender(createAddressGuard(config.WEBHOOK_ALLOWED_HOSTS)),
    webhookSecret: (id) => webhookSecret(deriveKey(secrets.rootSecret, `webhook ${id}`)),
    remoteFiles: new HttpRemoteFiles(config.FILE_ORIGINS),
    addressSeal: createSeal(secrets.rootSecret, 'remote-addresses'),
    contentAddress(documentId, versionId) {
      const token = tokens.issue('file', { versionId, part: 'content' }, SOURCE_TOKEN_S)
      return `${addresses.internalUrl}/api/onlyoffice/file/${documentId}?t=${token}`
    },
    downloadAddress(documentId, file, lifetimeS) {
      const token = tokens.issue('file', { ...file, part: 'attachment' }, lifetimeS)
      return `${addresses.publicUrl}/api/onlyoffice/file/${documentId}?t=${token}`
    },
  }
  const emulator =
    emulatorClass && new emulatorClass({ secret, publicUrl: addresses.docServerUrl ?? '', maxCallbacks: 100 })
  if (emulator !== undefined) handler.emulator = emulator
  const isStopping = () => stopping.signal.aborted
  const authentication = createAuthentication(deps, tokens, secrets.adminToken)
  const doctor = createContinuousDoctor({
    config,
    clock,
    log,
    database,
    addresses,
    tokens,
    docServerTokens,
    isLibreOfficeInstalled: libreOffice.isInstalled,
  })
  const limits = createLimits(config, redis)
  const updates = new Updates(deps)
  opened.defer(() => updates.close())
  const hub = await openHub(deps, updates, {
    tokens,
    authentication,
    limits,
    publicUrl: addresses.publicUrl,
    connectionKey: deriveKey(secrets.rootSecret, 'hub connections'),
  })
  handler.isHub = ({ url = '' }) => hubPaths(config).has(withoutQuery(url))
  const app = createApp({
    deps,
    addresses,
    secrets,
    tokens,
    authentication,
    limits,
    docServerTokens,
    hub: hub.server,
    doctor,
    emulator,
    isStopping,
    streams,
  })
  handler.app = app
  server.on('upgrade', (request, socket, head) => {
    // Then it knows the address behind our proxies as all other requests do.
    Object.setPrototypeOf(request, app.request)
    void hub.server.upgrade(request, socket, head)
  })
  opened.defer(() => hub.server.close())
  if (overrides.background !== false) {
    const background = startBackground(deps, { hub, doctor, membership })
    opened.defer(() => background.stop(LAST_STEPS_MS))
  }

  const resources = opened.move()
  let closed: Promise<void> | undefined
  const close = () => {
    stopping.abort()
    closed ??= resources.disposeAsync()
    return closed
  }
  return { url: addresses.localUrl, deps, hub, close, [Symbol.asyncDispose]: close }
}

/** S3 may be away for a moment: then nothing can be said. */
async function demandOwnBlobs(
  blobs: Pick<OpenedBlobs, 'claim'>,
  installation: string,
  log: Logger,
): Promise<void> {
  const owner = await blobs.claim(installation).catch((error: unknown) => {
    log.warn({ err: error }, 'it cannot be asked whose blobs these are')
    return installation
  })
  if (owner !== installation)
    throw new Error(
      'BLOBS_URL: these are the blobs of another installation, as the object "installation" there says; give each a prefix= of its own',
    )
}

/** Behind a proxy that strips the sub-path it answers without it. */
function hubPaths({ BASE_PATH }: Pick<Config, 'BASE_PATH'>): Set<string> {
  return new Set([HUB_PATH, `${BASE_PATH}${HUB_PATH}`].flatMap((path) => [path, `${path}/`]))
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
  // Again and again: whoever had an answer meanwhile would keep its connection for over a minute.
  const idle = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS)
  const timer = setTimeout(() => server.closeAllConnections(), mostS * 1000 - NOTICE_MS - LAST_STEPS_MS)
  await closed
  clearTimeout(timer)
  clearInterval(idle)
}
