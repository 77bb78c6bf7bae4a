import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { hostname } from 'node:os'
import ipaddr from 'ipaddr.js'
import { z } from 'zod'
import { s3Address } from './blobs/s3-address.ts'
import { Customization } from './core/sharing/customization.ts'

/** Each also as `NAME_FILE`. */
const SECRETS = [
  'ADMIN_TOKEN',
  // With a password in them.
  'BACKPLANE_URL',
  'DATABASE_URL',
  'METRICS_TOKEN',
  'ONLYOFFICE_JWT_SECRET',
  'ONLYOFFICE_JWT_SECRET_PREVIOUS',
  'ROOT_SECRET',
] as const

/** Secrets that stand in tutorials and images; whoever reads those could sign callbacks. */
const WELL_KNOWN_SECRETS = new Set([
  'secret',
  'verysecretstring',
  'my_jwt_secret',
  'your_jwt_secret',
  'your-256-bit-secret',
  'change-me-please-change-me',
  'changeme',
])

/** Without the address: it holds a password. */
const UNREADABLE =
  'must be an address with nothing behind the name; write special characters of the password percent-encoded'

/** A password that is not encoded ends at its first # / or ?, and the rest of it would be taken for something else. */
function isServerAddress(url: string, name: RegExp): boolean {
  if (!URL.canParse(url)) return false
  const { pathname, search, hash } = new URL(url)
  return hash === '' && name.test(pathname) && !`${pathname}${search}`.includes('@')
}

export function isPostgresAddress(url: string): boolean {
  return /^postgres(ql)?:\/\//.test(url) && isServerAddress(url, /^(\/[^/]*)?$/)
}

const httpUrl = z
  .url({ protocol: /^https?$/, error: 'must be an http(s) address', abort: true })
  .refine((value) => !new URL(value).search && !new URL(value).hash, 'must not have a query or fragment')
  .refine((value) => !new URL(value).username, 'must not carry a user name')
  .transform((value) => value.replace(/\/+$/, ''))

const seconds = (fallback: number, least = 1) =>
  z.coerce.number().min(least).max(31_536_000).default(fallback)

/** With a query: receivers often want a token in it. */
const webhookUrl = z
  .url({ protocol: /^https?$/, error: 'must be an http(s) address', abort: true })
  .max(2000)
  .refine((value) => !new URL(value).username, 'must not carry a user name')

/** Scheme, host and port, nothing else. */
const origin = z
  .url({ protocol: /^https?$/, error: 'must be origins like https://files.example.com:8443', abort: true })
  .refine((value) => `${new URL(value).origin}/` === new URL(value).href, 'must be origins without a path')
  .transform((value) => new URL(value).origin)

const json = z.string().transform((value, context): unknown => {
  try {
    return JSON.parse(value)
  } catch {
    context.addIssue('must be JSON')
    return z.NEVER
  }
})
const count = (fallback: number) => z.coerce.number().int().positive().default(fallback)
const flag = z
  .enum(['true', 'false'], { error: 'must be true or false' })
  .transform((value) => value === 'true')
const list = z
  .string()
  .transform((value) => value.split(/[\s,]+/).filter(Boolean))
  .default([])

const Environment = z.object({
  NODE_ENV: z.string().default('development'),
  /** Where LibreOffice is looked for. */
  PATH: z.string().default(''),
  NODE_NAME: z.string().min(1).max(200).default(hostname()),
  PORT: z.coerce.number().int().min(0).max(65_535).default(3000),
  HOST: z.string().min(1).default('127.0.0.1'),
  PUBLIC_URL: httpUrl.optional(),
  INTERNAL_URL: httpUrl.optional(),
  BASE_PATH: z
    .string()
    .regex(/^\/[\w\-./~]*$/, 'must start with / and hold no special characters')
    .transform((value) => value.replace(/\/+$/, ''))
    .optional(),
  ONLYOFFICE_URL: httpUrl.optional(),
  ONLYOFFICE_INTERNAL_URL: httpUrl.optional(),
  ONLYOFFICE_JWT_SECRET: z.string().optional(),
  ONLYOFFICE_JWT_SECRET_PREVIOUS: z.string().optional(),
  ONLYOFFICE_JWT_HEADER: z
    .string()
    .regex(/^[\w-]+$/, 'must be the name of a header')
    .default('Authorization'),
  ONLYOFFICE_CA_FILE: z.string().optional(),
  DOWNLOAD_ORIGINS: list.pipe(
    z.array(z.url({ protocol: /^https?$/, abort: true }).transform((url) => new URL(url).origin)),
  ),
  ROOT_SECRET: z.string().min(32, 'must have at least 32 characters').optional(),
  ADMIN_TOKEN: z.string().min(16, 'must have at least 16 characters').optional(),
  METRICS_TOKEN: z.string().min(16, 'must have at least 16 characters').optional(),
  DATA_DIR: z.string().min(1).default('storage'),
  DATABASE_URL: z
    .string()
    .regex(/^(sqlite:|postgres(ql)?:\/\/)/, { error: 'must start with sqlite: or postgres://', abort: true })
    .refine((url) => url.startsWith('sqlite:') || isPostgresAddress(url), UNREADABLE)
    .optional(),
  BLOBS_URL: z
    .string()
    .regex(/^(file:|s3:\/\/)/, 'must start with file: or s3://')
    .optional(),
  BACKPLANE_URL: z
    .string()
    .regex(/^(memory:$|rediss?:\/\/)/, {
      error: 'must be memory: or start with redis:// or rediss://',
      abort: true,
    })
    .refine(
      (url) => url === 'memory:' || isServerAddress(url, /^(\/\d{0,3})?$/),
      'must be memory: or an address like redis://:password@host:6379/0; write special characters of the password percent-encoded',
    )
    .default('memory:'),
  /** Connections of this process to PostgreSQL. */
  DATABASE_POOL: count(10),
  /** Bytes of S3 objects that are kept on disk for reading again; 0: none. */
  BLOB_CACHE_BYTES: z.coerce
    .number()
    .int()
    .min(0)
    .default(1024 ** 3),
  /** A node that has not been heard of for so long has lost what it was working on. */
  LEASE_S: seconds(20),
  MAX_FILE_BYTES: count(2 * 1024 ** 3),
  KEEP_VERSIONS: z.coerce.number().int().min(1).optional(),
  KEEP_DAYS: z.coerce.number().min(1).max(36_500).optional(),
  TRASH_DAYS: z.coerce.number().min(0).max(36_500).default(30),
  FORCESAVE_INTERVAL_S: seconds(30),
  SESSION_IDLE_S: seconds(3600),
  ACCESS_TOKEN_S: seconds(3600),
  OPEN_WAIT_S: seconds(30, 0),
  UPLOAD_STALL_S: seconds(60),
  HEADERS_TIMEOUT_S: seconds(30),
  BODY_TIMEOUT_S: seconds(30),
  DOWNLOAD_RETRY_S: seconds(30, 0),
  DOWNLOAD_STALL_S: seconds(30),
  COMMAND_TIMEOUT_S: seconds(10),
  SHUTDOWN_S: seconds(30),
  TRUST_PROXY: z.string().optional(),
  RATE_LIMIT_MAX: count(10_000),
  AUTH_RATE_LIMIT_MAX: count(100),
  CORS_ORIGINS: list,
  FRAME_ANCESTORS: list,
  HUB_ANONYMOUS: flag.default(false),
  HUB_MAX_MESSAGE_BYTES: z.coerce
    .number()
    .int()
    .min(32 * 1024)
    .max(64 * 1024 ** 2)
    .default(1024 ** 2),
  HUB_MESSAGES_PER_S: count(1000),
  HUB_CLIENT_MESSAGES_PER_S: count(10_000),
  EDITOR_CUSTOMIZATION: json.pipe(Customization).default({}),
  WEBHOOK_ALLOWED_HOSTS: list.pipe(
    z.array(z.string().refine(isHostOrNetwork, 'must be host names, addresses or networks like 10.0.0.0/8')),
  ),
  FILE_ORIGINS: list.pipe(z.array(origin)),
  ALERT_WEBHOOK_URL: webhookUrl.optional(),
  ALERT_DISK_FREE_BYTES: z.coerce
    .number()
    .int()
    .min(0)
    .default(1024 ** 3),
  AUDIT_DAYS: count(365),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
})

function isHostOrNetwork(value: string): boolean {
  return ipaddr.isValid(value) || ipaddr.isValidCIDR(value) || /^[a-z\d]([a-z\d.-]*[a-z\d])?$/i.test(value)
}

type Settings = z.output<typeof Environment>

export type Config = Readonly<
  Omit<Settings, 'DATABASE_URL' | 'BLOBS_URL' | 'BASE_PATH'> & {
    /** Path under which the service answers, '' or '/docs'. */
    BASE_PATH: string
    DATABASE_URL: string
    BLOBS_URL: string
    /** No Document Server is configured and the emulator stands in for it. */
    isEmulated: boolean
  }
>

/** Names every bad variable, one a line. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

/**
 * Reads all settings from the environment; empty values count as unset.
 *
 * @throws ConfigError naming every bad variable at once; main.ts prints it and exits with 1
 */
export function loadConfig(env: NodeJS.ProcessEnv): Config {
  const faults: string[] = []
  const given: Given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''))
  for (const name of SECRETS) readSecretFile(given, name, faults)

  const parsed = Environment.safeParse(given)
  for (const issue of parsed.error?.issues ?? []) faults.push(`${issue.path.join('.')}: ${issue.message}`)
  faults.push(
    ...secretFaults(given),
    ...pathFaults(given),
    ...fileFaults(given),
    ...proxyFaults(given),
    ...blobsFaults(given),
    ...nodesFaults(given),
  )
  if (!parsed.success || faults.length > 0) throw new ConfigError([...new Set(faults)].join('\n'))
  const settings = parsed.data

  const { DATABASE_URL, BLOBS_URL, BASE_PATH, PUBLIC_URL, ...rest } = settings
  return Object.freeze({
    ...rest,
    ...(PUBLIC_URL === undefined ? {} : { PUBLIC_URL }),
    BASE_PATH: BASE_PATH ?? (PUBLIC_URL ? new URL(PUBLIC_URL).pathname.replace(/\/+$/, '') : ''),
    DATABASE_URL: DATABASE_URL ?? `sqlite:${settings.DATA_DIR}/metadata.sqlite`,
    BLOBS_URL: BLOBS_URL ?? `file:${settings.DATA_DIR}`,
    isEmulated: settings.ONLYOFFICE_URL === undefined && settings.NODE_ENV !== 'production',
  })
}

/** Every secret may stand in a file named by `NAME_FILE` (Docker and systemd credentials). */
function readSecretFile(given: Given, name: string, faults: string[]) {
  const path = given[`${name}_FILE`]
  if (path === undefined) return
  if (given[name] !== undefined) {
    faults.push(`${name}: is given twice, also as ${name}_FILE`)
    return
  }
  try {
    const secret = readFileSync(path, 'utf8').trim()
    if (secret === '') faults.push(`${name}_FILE: the file is empty`)
    given[name] = secret
  } catch {
    faults.push(`${name}_FILE: the file cannot be read`)
  }
}

type Given = Record<string, string | undefined>

function secretFaults({
  ONLYOFFICE_URL,
  ONLYOFFICE_JWT_SECRET,
  ONLYOFFICE_JWT_SECRET_PREVIOUS,
}: Given): string[] {
  if (ONLYOFFICE_URL === undefined) return []
  if (ONLYOFFICE_JWT_SECRET === undefined) {
    return [
      'ONLYOFFICE_JWT_SECRET: is needed with ONLYOFFICE_URL; it is services.CoAuthoring.secret of Document Server',
    ]
  }
  return [
    ...weakness('ONLYOFFICE_JWT_SECRET', ONLYOFFICE_JWT_SECRET),
    ...(ONLYOFFICE_JWT_SECRET_PREVIOUS === undefined
      ? []
      : weakness('ONLYOFFICE_JWT_SECRET_PREVIOUS', ONLYOFFICE_JWT_SECRET_PREVIOUS)),
  ]
}

function weakness(name: string, secret: string): string[] {
  if (WELL_KNOWN_SECRETS.has(secret.toLowerCase()))
    return [`${name}: is a well-known secret, choose your own`]
  return secret.length < 16 ? [`${name}: must have at least 16 characters`] : []
}

function pathFaults({ BASE_PATH, PUBLIC_URL }: Given): string[] {
  if (BASE_PATH === undefined || PUBLIC_URL === undefined || !URL.canParse(PUBLIC_URL)) return []
  const wanted = BASE_PATH.replace(/\/+$/, '')
  const path = new URL(PUBLIC_URL).pathname.replace(/\/+$/, '')
  return path === wanted ? [] : [`BASE_PATH: PUBLIC_URL must end with it, its path is "${path}"`]
}

function fileFaults({ ONLYOFFICE_CA_FILE }: Given): string[] {
  if (ONLYOFFICE_CA_FILE === undefined) return []
  try {
    return readFileSync(ONLYOFFICE_CA_FILE, 'utf8').includes('-----BEGIN CERTIFICATE-----')
      ? []
      : ['ONLYOFFICE_CA_FILE: the file holds no PEM certificate']
  } catch {
    return ['ONLYOFFICE_CA_FILE: the file cannot be read']
  }
}

/** As Express takes them: true, false, a number of hops, or addresses, networks and their nicknames. */
function proxyFaults({ TRUST_PROXY }: Given): string[] {
  if (TRUST_PROXY === undefined || /^(true|false|\d{1,3})$/.test(TRUST_PROXY)) return []
  const isKnown = TRUST_PROXY.split(',').every((one) => {
    const [address = '', bits] = one.trim().split('/')
    if (['loopback', 'linklocal', 'uniquelocal'].includes(address)) return bits === undefined
    return isIP(address) !== 0 && (bits === undefined || /^\d{1,3}$/.test(bits))
  })
  return isKnown ? [] : ['TRUST_PROXY: must be a number of hops or addresses like 10.0.0.1 or 10.0.0.0/8']
}

function blobsFaults({ BLOBS_URL = '' }: Given): string[] {
  if (!BLOBS_URL.startsWith('s3:')) return []
  try {
    s3Address(BLOBS_URL)
    return []
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)]
  }
}

/** Several nodes share all three, or there is one node. */
function nodesFaults(given: Given): string[] {
  const { DATABASE_URL = '', BLOBS_URL = '', BACKPLANE_URL = '' } = given
  const faults: string[] = []
  if (/^redis/.test(BACKPLANE_URL)) {
    for (const name of ['ROOT_SECRET', 'ADMIN_TOKEN'] as const) {
      if (given[name] === undefined)
        faults.push(`${name}: is needed with BACKPLANE_URL=redis://…, the same on every node`)
    }
  }
  const isShared = /^postgres/.test(DATABASE_URL)
  if (/^redis/.test(BACKPLANE_URL) && !isShared)
    faults.push('BACKPLANE_URL: redis:// is for several nodes, and those need DATABASE_URL=postgres://…')
  if (/^redis/.test(BACKPLANE_URL) && !/^s3:/.test(BLOBS_URL))
    faults.push('BACKPLANE_URL: redis:// is for several nodes, and those need BLOBS_URL=s3://…')
  return faults
}
