/**
 * Everything a caller can act on, by stable code. `status` is the HTTP status of REST;
 * the ONLYOFFICE endpoints use the same status with their own body.
 *
 * Source: RFC 9457 (the code is the last part of the problem's `type`).
 */
const PROBLEMS = {
  'validation-failed': { status: 400, title: 'One or more fields are not valid' },
  'malformed-body': { status: 400, title: 'The body cannot be read' },
  'upload-malformed': { status: 400, title: 'The multipart body is broken' },
  'upload-empty': { status: 400, title: 'The file has no bytes' },
  'content-mismatch': { status: 400, title: 'The content does not match the file extension' },
  'extension-unsupported': { status: 400, title: 'The editor does not know this file extension' },
  'json-content-invalid': { status: 400, title: 'The JSON content cannot be made into a file' },
  'update-invalid': { status: 400, title: 'The update cannot be read' },
  'idempotency-key-invalid': { status: 400, title: 'The Idempotency-Key is not valid' },
  'format-not-of-type': { status: 400, title: 'This format does not belong to this type of document' },
  'token-missing': { status: 401, title: 'A token is needed' },
  'token-invalid': { status: 401, title: 'The token is not valid' },
  'credentials-invalid': { status: 401, title: 'The API key or its secret is wrong' },
  'permission-missing': { status: 403, title: 'The token lacks a permission' },
  'grant-missing': { status: 403, title: 'This was not granted for the document' },
  'administrator-only': { status: 403, title: 'Only the administrator may do this' },
  'callback-token-invalid': { status: 403, title: 'The callback is not signed by Document Server' },
  'file-token-invalid': { status: 403, title: 'The file token is not valid' },
  'origin-refused': { status: 403, title: 'The request comes from another site' },
  'document-not-found': { status: 404, title: 'Document not found' },
  'thumbnail-not-found': { status: 404, title: 'There is no picture of the document' },
  'version-not-found': { status: 404, title: 'Version not found' },
  'attachment-not-found': { status: 404, title: 'The image is not kept any more' },
  'workspace-not-found': { status: 404, title: 'Workspace not found' },
  'key-unknown': { status: 404, title: 'No session has this key' },
  'route-not-found': { status: 404, title: 'There is nothing here' },
  'method-not-allowed': { status: 405, title: 'This method is not allowed here' },
  'idempotency-key-in-use': { status: 409, title: 'A request with this Idempotency-Key is under way' },
  'document-being-edited': { status: 409, title: 'The document is open in the editor' },
  'document-restored': { status: 409, title: 'The content was replaced meanwhile, join again' },
  'update-too-large': { status: 413, title: 'The update is larger than the limit' },
  'shared-state-too-large': { status: 413, title: 'What is shared of the document has grown too large' },
  'upload-too-large': { status: 413, title: 'The file is larger than the limit' },
  'body-too-large': { status: 413, title: 'The body is larger than the limit' },
  'extension-not-storable': { status: 415, title: 'Files of this extension cannot be stored' },
  'media-type-unsupported': { status: 415, title: 'The body has a type that is not read here' },
  'image-unsupported': { status: 415, title: 'The file is not an image that the editor takes' },
  'range-not-satisfiable': { status: 416, title: 'The range lies outside the file' },
  'idempotency-key-reused': { status: 422, title: 'This Idempotency-Key belongs to another request' },
  'save-without-url': { status: 422, title: 'Document Server could not build the file' },
  'address-refused': { status: 422, title: 'Nothing is fetched from this address' },
  'document-unsuitable': { status: 422, title: 'The document is of another type than is needed here' },
  'conversion-impossible': { status: 422, title: 'This format cannot be converted to that one' },
  'conversion-failed': { status: 422, title: 'The file could not be converted' },
  'conversion-unavailable': { status: 501, title: 'Nothing here converts files' },
  'conversion-busy': { status: 503, title: 'Too many conversions are under way' },
  'precondition-failed': { status: 412, title: 'The document has changed meanwhile' },
  'link-not-found': { status: 404, title: 'Link not found' },
  'embed-not-found': { status: 404, title: 'Embed not found' },
  'person-not-found': { status: 404, title: 'The workspace does not know this person' },
  'submission-not-found': { status: 404, title: 'Submission not found' },
  'webhook-not-found': { status: 404, title: 'Webhook not found' },
  'remote-origin-refused': { status: 422, title: 'Files of this origin are not linked' },
  'remote-file-unreadable': { status: 422, title: 'The file cannot be read at its address' },
  'webhook-address-refused': { status: 422, title: 'Webhooks may not be sent to this address' },
  'template-not-found': { status: 404, title: 'Template not found' },
  'api-key-not-found': { status: 404, title: 'API key not found' },
  'document-server-missing': { status: 424, title: 'No Document Server is configured' },
  'too-many-requests': { status: 429, title: 'Too many requests' },
  'upload-stalled': { status: 408, title: 'The upload stopped arriving' },
  'download-refused': { status: 503, title: 'The address of the file is not allowed' },
  'download-failed': { status: 503, title: 'The file could not be fetched from Document Server' },
  'content-not-as-announced': { status: 503, title: 'The fetched file is not of the announced type' },
  'storage-unavailable': { status: 503, title: 'The storage cannot take data now' },
  'saving-in-progress': { status: 503, title: 'The document is being saved, try again shortly' },
  'save-not-arrived': { status: 503, title: 'The save did not arrive in time' },
  'document-server-failed': { status: 503, title: 'Document Server does not answer as it should' },
  'lease-lost': { status: 503, title: 'Another node has taken this over' },
  'shutting-down': { status: 503, title: 'The service is stopping' },
  'blob-missing': { status: 500, title: 'The stored bytes cannot be read' },
} as const

export type ProblemCode = keyof typeof PROBLEMS

export type FieldErrors = Record<string, string[]>

/** An error that a caller can act on; everything else is answered 500 without detail. */
export class Problem extends Error {
  readonly code: ProblemCode
  readonly errors: FieldErrors | undefined
  readonly retryAfterS: number | undefined
  readonly members: Record<string, unknown>

  constructor(
    code: ProblemCode,
    detail?: string,
    options?: ErrorOptions & {
      errors?: FieldErrors
      retryAfterS?: number
      /** Further members of the answer. Source: RFC 9457 §3.2. */
      members?: Record<string, unknown>
    },
  ) {
    super(detail ?? PROBLEMS[code].title, options)
    this.name = 'Problem'
    this.code = code
    this.errors = options?.errors
    this.retryAfterS = options?.retryAfterS
    this.members = options?.members ?? {}
  }

  get status(): number {
    return PROBLEMS[this.code].status
  }

  get title(): string {
    return PROBLEMS[this.code].title
  }
}

export function isProblem(error: unknown, ...codes: ProblemCode[]): error is Problem {
  return error instanceof Problem && (codes.length === 0 || codes.includes(error.code))
}
