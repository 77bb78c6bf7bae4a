import type { Readable, Writable } from 'node:stream'

/** Bytes that can be read at any place without holding them whole. */
export interface RandomAccess {
  readonly size: number
  /** Up to `length` bytes from `offset`; fewer only at the end. */
  read(offset: number, length: number): Promise<Buffer>
}

export type BlobRef = {
  /** Lowercase hex; the blob's address. */
  sha256: string
  /** Bytes. */
  size: number
}

export type StoredBlob = BlobRef & { storedAt: Date }

export type PutLimits = {
  /** One byte more and nothing is kept. */
  maxBytes: number
  /** Looks at the complete bytes before they become durable; throwing keeps nothing. */
  inspect?: (bytes: RandomAccess) => Promise<void>
}

/** Immutable bytes by content address. */
export interface BlobStore {
  /**
   * Stores a stream; the bytes are durable when the promise resolves.
   *
   * @throws Problem `upload-too-large`, `storage-unavailable`; whatever `inspect` or the stream throws
   */
  put(bytes: Readable, limits: PutLimits): Promise<BlobRef>
  /**
   * The bytes from `start` to `end` inclusive, or all of them; to be read to the end or destroyed.
   *
   * @throws Problem `blob-missing`, `range-not-satisfiable`
   */
  get(sha256: string, range?: { start: number; end: number }): Promise<Readable>
  /**
   * Writes the bytes of a range (or all) to a sink at its pace and ends it. A sink that is closed
   * early ends the reading; a failure after the first byte destroys the sink.
   *
   * @throws Problem `blob-missing`, `storage-unavailable` while nothing has been written
   */
  send(blob: BlobRef, range: { start: number; end: number } | undefined, to: Writable): Promise<void>
  /** @throws Problem `blob-missing` */
  open(sha256: string): Promise<RandomAccess & AsyncDisposable>
  /** All blobs, in no order. Incomplete ones are never among them. */
  list(): AsyncIterable<StoredBlob>
  /**
   * No error if there is none.
   *
   * @param storedBefore keeps a blob that was stored again at this time or later
   */
  delete(sha256: string, storedBefore?: Date): Promise<void>
}

/** Tells all nodes; at most once, in order per channel on one node. */
export interface Backplane {
  /** Listeners of this node hear it in any case; the others while nothing is in the way. */
  publish(channel: string, message: string): Promise<void>
  /** @returns ends the subscription */
  subscribe(channel: string, listener: (message: string) => void): () => void
  /**
   * The listener is called when messages of other nodes may have been missed, once they are heard again.
   *
   * @returns ends the subscription
   */
  onGap(listener: () => void): () => void
  /** Resolves when other nodes are heard on everything subscribed to so far, or when a gap will be told of it. */
  heard(): Promise<void>
  /** Why other nodes are not heard at the moment; undefined while they are, and for a single node. */
  trouble(): string | undefined
  close(): Promise<void>
}

/** `error` of CommandService. Source: ONLYOFFICE Docs API, Command service. */
export type CommandError = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7

export type Download = {
  bytes: Readable
  /** As announced; undefined for a chunked answer. */
  size: number | undefined
  lastModified: string | undefined
}

export type ConversionOrder = {
  /** Document Server answers from its cache by key and target alone: one for each content and target. */
  key: string
  /** Where Document Server fetches the source. */
  url: string
  from: string
  to: string
  /** With the extension of the target. */
  title: string
  timeLimitS: number
  /** A picture of the first page that fits into so many pixels. */
  thumbnail?: { width: number; height: number }
}

/** What we ask of Document Server. Every method throws Problem `document-server-failed` when it cannot be reached. */
export interface DocServer {
  /**
   * Opens a file of Document Server. The stream fails with Problem `download-failed` when the file
   * is cut short, stalls, or is longer than announced.
   *
   * @throws Problem `download-refused` (foreign origin, redirect, 4xx: not worth a retry), `download-failed` (worth one)
   */
  download(url: string, limits: { maxBytes: number; signal?: AbortSignal }): Promise<Download>
  /** Length and Last-Modified of a file of Document Server. @throws as `download` */
  head(url: string): Promise<{ size: number | undefined; lastModified: string | undefined }>
  forcesave(key: string, userdata?: string): Promise<CommandError>
  /**
   * Who has the key open. `isKnown` is false when Document Server has no row for it; `users` is
   * undefined before Document Server 8.2, which does not name them. It also sends a callback: see `Presence`.
   */
  info(key: string): Promise<{ isKnown: boolean; users: string[] | undefined }>
  forgottenKeys(): Promise<string[]>
  /** @returns the address of the forgotten file, undefined when there is none */
  forgottenUrl(key: string): Promise<string | undefined>
  deleteForgotten(key: string): Promise<CommandError>
  rename(key: string, title: string): Promise<CommandError>
  /** Disables the editors of these users for good; text that they have not handed over is lost. */
  drop(key: string, users: string[]): Promise<CommandError>
  /**
   * Converts a file and waits for it.
   *
   * @returns the address of the result, for `download`, and its extension
   * @throws Problem `conversion-failed`, `conversion-impossible`
   */
  convert(order: ConversionOrder): Promise<{ url: string; extension: string }>
  /** @throws Problem `document-server-failed` also when the token is refused: the detail says so */
  version(): Promise<string>
  isHealthy(): Promise<boolean>
}

export type WebhookOrder = {
  url: string
  headers: Record<string, string>
  /** JSON, sent as it is. */
  body: string
  /** The administrator's own address may lie inside. */
  mayBeInternal: boolean
  signal?: AbortSignal
}

/** `status` is undefined when no answer came; `error` says why, without the address. */
export type WebhookAnswer = { status: number; error: undefined } | { status: undefined; error: string }

/** Posts to addresses that clients name: never to one inside our network, unless the administrator admits it. */
export interface WebhookSender {
  /** @throws Problem `webhook-address-refused` for what can be seen without asking the name service */
  demandAllowed(url: string): void
  /** Never throws. Limits time and bytes, follows no redirect. */
  send(order: WebhookOrder): Promise<WebhookAnswer>
}

export type RemoteRequest = {
  url: string
  /** Those that sign it. */
  headers: Record<string, string>
  signal?: AbortSignal
}

/** `unchanged`: still the bytes of the ETag that was given. */
export type RemoteContent = 'unchanged' | { bytes: Readable; etag: string | undefined }

/** `status` is undefined when no answer came; `error` says why, without the address. `etag` is a strong one. */
export type RemoteAnswer = { status: number | undefined; error: string | undefined; etag: string | undefined }

/** Files of other programs, at origins that the administrator has named. No redirects; limits on everything. */
export interface RemoteFiles {
  /** @throws Problem `remote-origin-refused` */
  demandAllowed(url: string): void
  /**
   * Opens a file; its stream fails with Problem `remote-file-unreadable` when it is cut short or too slow.
   *
   * @param etag strong one of the bytes that are known
   * @throws Problem `remote-origin-refused`, `remote-file-unreadable`
   */
  read(request: RemoteRequest & { etag: string | undefined }): Promise<RemoteContent>
  /** Replaces a file, with `etag` only the one that has it (`If-Match`). Never throws. */
  write(
    request: RemoteRequest & {
      bytes: Readable
      /** Bytes. */
      size: number
      mediaType: string
      etag: string | undefined
      timeLimitMs: number
    },
  ): Promise<RemoteAnswer>
  /** Posts JSON as it is. Never throws. An ETag may be in the answer's body (`{etag}`) or header. */
  post(request: RemoteRequest & { body: string }): Promise<RemoteAnswer>
}
