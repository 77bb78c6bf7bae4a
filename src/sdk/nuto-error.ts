/** What went wrong, by a code that stays the same, and in words. */
export type NutoFault = { code: string; message: string }

/**
 * A refusal or a failure. `code` is the API's own (`token-invalid`, `document-not-found`,
 * `grant-missing`, …) or `network-error`, `http-error`, `editor-not-loaded`, `timeout`,
 * `page-reloaded`, `destroyed`.
 */
export class NutoError extends Error {
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.name = 'NutoError'
    this.code = code
  }
}
