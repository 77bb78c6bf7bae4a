import { type Config, loadConfig } from '../../config.ts'
import { shownSize } from '../files/shown.ts'

/** Shown only as set or not set: they are secrets or may carry one. */
const SECRET = [
  'ADMIN_TOKEN',
  'ALERT_WEBHOOK_URL',
  'METRICS_TOKEN',
  'ONLYOFFICE_JWT_SECRET',
  'ONLYOFFICE_JWT_SECRET_PREVIOUS',
  'ROOT_SECRET',
] as const satisfies (keyof Config)[]

/** Listed by hand, so that a new setting cannot leak. */
const GROUPS = {
  'Addresses of this service': ['PUBLIC_URL', 'INTERNAL_URL', 'BASE_PATH', 'HOST', 'PORT', 'TRUST_PROXY'],
  'Document Server': [
    'ONLYOFFICE_URL',
    'ONLYOFFICE_INTERNAL_URL',
    'ONLYOFFICE_JWT_SECRET',
    'ONLYOFFICE_JWT_SECRET_PREVIOUS',
    'ONLYOFFICE_JWT_HEADER',
    'ONLYOFFICE_CA_FILE',
    'DOWNLOAD_ORIGINS',
    'COMMAND_TIMEOUT_S',
    'DOWNLOAD_RETRY_S',
    'DOWNLOAD_STALL_S',
  ],
  Saving: ['FORCESAVE_INTERVAL_S', 'SESSION_IDLE_S', 'OPEN_WAIT_S', 'SHUTDOWN_S'],
  Storage: [
    'DATA_DIR',
    'DATABASE_URL',
    'DATABASE_POOL',
    'BLOBS_URL',
    'BLOB_CACHE_BYTES',
    'MAX_FILE_BYTES',
    'KEEP_VERSIONS',
    'KEEP_DAYS',
    'TRASH_DAYS',
    'AUDIT_DAYS',
  ],
  'Who gets in': [
    'ADMIN_TOKEN',
    'ROOT_SECRET',
    'METRICS_TOKEN',
    'ACCESS_TOKEN_S',
    'CORS_ORIGINS',
    'FRAME_ANCESTORS',
    'RATE_LIMIT_MAX',
    'AUTH_RATE_LIMIT_MAX',
    'UPLOAD_STALL_S',
    'HEADERS_TIMEOUT_S',
    'BODY_TIMEOUT_S',
  ],
  'Real-time hub': [
    'HUB_ANONYMOUS',
    'HUB_MAX_MESSAGE_BYTES',
    'HUB_MESSAGES_PER_S',
    'HUB_CLIENT_MESSAGES_PER_S',
    'BACKPLANE_URL',
  ],
  'Other programs': ['WEBHOOK_ALLOWED_HOSTS', 'FILE_ORIGINS', 'ALERT_WEBHOOK_URL', 'ALERT_DISK_FREE_BYTES'],
  Process: ['NODE_ENV', 'NODE_NAME', 'LEASE_S', 'LOG_LEVEL'],
} as const satisfies Record<string, (keyof Config)[]>

export type Setting = {
  name: string
  value: string
  /** What is easier to read than its value: `2.1 GB`. */
  meaning?: string | undefined
  isDefault: boolean
}

/** All settings as they are in force, secrets only as set or not set. */
export function shownConfiguration(config: Config): { name: string; settings: Setting[] }[] {
  const defaults = loadConfig({ DATA_DIR: config.DATA_DIR })
  return Object.entries(GROUPS).map(([name, settings]) => ({
    name,
    settings: settings.map((setting) => shownSetting(setting, config, defaults)),
  }))
}

function shownSetting(name: keyof Config, config: Config, defaults: Config): Setting {
  const value = config[name]
  if (SECRET.some((secret) => secret === name)) {
    return { name, value: value === undefined ? 'not set' : 'set', isDefault: value === undefined }
  }
  const isDefault = name !== 'DATA_DIR' && JSON.stringify(value) === JSON.stringify(defaults[name])
  const meaning = name.endsWith('_BYTES') && typeof value === 'number' ? shownSize(value) : undefined
  return { name, value: shownValue(value), meaning, isDefault }
}

function shownValue(value: unknown): string {
  if (value === undefined || value === '' || (Array.isArray(value) && value.length === 0)) return 'not set'
  return withoutSecrets(Array.isArray(value) ? value.join(', ') : String(value))
}

/** Addresses of databases and stores name who signs in, with what. */
function withoutSecrets(address: string): string {
  return address
    .replace(/\/\/[^/?#]*@/g, '//…@')
    .replace(/([?&][^=&]*(?:pass|secret|key|token)[^=&]*=)[^&]*/gi, '$1…')
}
