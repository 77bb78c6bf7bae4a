import type { Algorithm } from 'jsonwebtoken'

/** What a host page passes to `new DocsAPI.DocEditor`; `token` is the JWT over the rest. */
export type SignedConfig = {
  document: {
    key: string
    url: string
    title?: string
    fileType?: string
    permissions?: Record<string, unknown>
    [field: string]: unknown
  }
  editorConfig?: {
    callbackUrl?: string
    mode?: string
    user?: { id?: string; name?: string; [field: string]: unknown }
    coEditing?: { mode?: string; [field: string]: unknown }
    customization?: { forcesave?: boolean; [field: string]: unknown }
    [field: string]: unknown
  }
  token?: string
  [field: string]: unknown
}

export type Timings = {
  /** From the last editor's leaving to the status 2. */
  closeToSaveMs: number
  /** From the drop of the last editor to the status 2. */
  dropToSaveMs: number
  /** Waits before the second, third and fourth POST of a final save. */
  retryDelaysMs: number[]
  /** From the answer 0 of `forcesave` to the 6. */
  forcesaveMs: number
  urlLifetimeS: number
  /** How long a key stays unusable after its final save was taken. */
  keyDeadMs: number
  callbackTimeoutMs: number
  downloadTries: number
  downloadRetryMs: number
  downloadTimeoutMs: number
}

export const DOCUMENT_SERVER_TIMINGS: Timings = {
  closeToSaveMs: 5200,
  dropToSaveMs: 200,
  retryDelaysMs: [1000, 2000, 4000],
  forcesaveMs: 100,
  urlLifetimeS: 900,
  keyDeadMs: 300_000,
  callbackTimeoutMs: 600_000,
  downloadTries: 3,
  downloadRetryMs: 1000,
  downloadTimeoutMs: 120_000,
}

/** Source: ONLYOFFICE Docs, default.json, `maxDownloadBytes`. */
export const MAX_DOWNLOAD_BYTES = 100 * 1024 * 1024

export type EmulatorOptions = {
  /** Signs and checks everything, both ways. */
  secret: string
  /** The address of the mount point, as browsers and the service reach it; no slash at the end. */
  publicUrl: string
  timings?: Partial<Timings>
  clock?: () => Date
  log?: (line: string) => void
  /** Outbox tokens in callbacks and downloads. */
  callbackTokens?: boolean
  /** False: commands and conversions are taken without a token, as Document Server's default.json has it. */
  inboxTokens?: boolean
  /** Header of the tokens, both ways; `Authorization` unless told otherwise. */
  jwtHeader?: string
  /** Nothing is fetched from private addresses, not even when a good token names them. */
  refusesPrivateAddresses?: boolean
  /** It runs in a container: localhost is the container, where nothing answers but its own service. */
  isContained?: boolean
  /** One byte more and a file is not fetched. */
  maxDownloadBytes?: number
  /** The LibreOffice program; by default `soffice` or `libreoffice` on PATH. */
  office?: string
  /** How many of the sent callbacks `callbacks` remembers. */
  maxCallbacks?: number
}

export type CallbackAnswer = { status: number; body: string } | { error: string }

/** One POST as it went over the wire. */
export type SentCallback = {
  at: Date
  key: string
  status: number
  url: string
  /** The plain body, `token` included. */
  body: Record<string, unknown>
  headers: Record<string, string>
  /** Undefined while the answer is awaited. */
  answer: CallbackAnswer | undefined
}

export type User = { id: string; name: string }

/** New text of one paragraph, or new bytes of the whole document. */
export type Edit = { index: number; text: string } | { bytes: Buffer }

export type EditorEvent = { name: string; data?: unknown }

/** 0 command, 1 button, 2 timer, 3 form. Source: ONLYOFFICE Docs API, Callback handler. */
export type ForcesaveType = 0 | 1 | 2 | 3

export type HandMadeCallback = {
  /** False: no header; a string: the header's whole value. */
  header?: boolean | string
  /** False: no `token`; a string: that token. */
  bodyToken?: boolean | string
  /** The plain body beside the token, instead of the signed fields. */
  plain?: object
  callbackUrl?: string
  algorithm?: Algorithm
  secret?: string
  expiresInS?: number
}
