/** What a page can be told of. */
export type CollaborationErrorCode =
  /** The hub does not let this token in, also a fresh one. Final. */
  | 'token-refused'
  /** The page's function for tokens failed; it is asked again. */
  | 'token-unavailable'
  /** The document is not there, or not for this token. Final. */
  | 'join-refused'
  /** The hub could not be reached, or not enter the document; it is tried again. */
  | 'connection-failed'
  /** The token may read only: what is edited here stays here. */
  | 'read-only'
  /** One change is larger than a message may be: it and what follows stay here until it is undone. */
  | 'update-too-large'
  /** The hub does not take a change: it and what follows stay here. It is tried again, told of once. */
  | 'update-refused'
  /** Something arrived that is no update. */
  | 'update-unreadable'

export class CollaborationError extends Error {
  override readonly name = 'CollaborationError'
  readonly code: CollaborationErrorCode

  constructor(code: CollaborationErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** The code that ends the hub's words for a refusal, `… [permission-missing]`; undefined for other errors. */
export function refusalCode(error: unknown): string | undefined {
  return error instanceof Error ? /HubException: .*\[([a-z-]+)\]\s*$/s.exec(error.message)?.[1] : undefined
}
