import type { DocServerTokens } from './tokens.ts'

/** A file handed to the editor. `url` is fetched by Document Server. */
export type LinkedFile = { fileType: string; url: string }

/** What opens a document; more may stand beside the fields that are checked. */
export type OpeningConfig = {
  document: { key: string; url: string; permissions: object; [field: string]: unknown }
  editorConfig: { callbackUrl: string; mode?: string; [field: string]: unknown }
  [field: string]: unknown
}

/** `fileType` is absent in the payloads that the documentation prints; we always give it. */
export type HistoryData = Partial<LinkedFile> & {
  /** Of the archive of changes, fetched by the browser; absent for versions that no editor made. */
  changesUrl?: string
  key: string
  /** What the changes start from: the version that the session was opened on. */
  previous?: Partial<LinkedFile> & { key: string; url: string }
  url: string
  version: number
}

/** How a spreadsheet names a document that it takes values from. */
export type ReferenceData = { fileKey: string; instanceId: string; key?: string }

export type ReferenceFile = LinkedFile & {
  /** Of the session that holds the newest values. */
  key?: string
  /** Name with extension, as formulas have it. */
  path: string
  referenceData: ReferenceData
  /** Where a browser opens the document. */
  link?: string
}

/**
 * What is signed for the editor. Document Server compares what was signed with what is passed, so
 * the token is made over exactly the object, without `token`.
 *
 * Source: ONLYOFFICE Docs API, Security, Signature, Browser; Methods.
 */
export type SignedPayloads = {
  /** `new DocEditor(…)`. */
  opening: OpeningConfig
  refreshFile: OpeningConfig
  insertImage: { c: string; images: LinkedFile[] }
  setHistoryData: HistoryData
  /** Before Document Server 7.5; now `setRequestedSpreadsheet`. */
  setMailMergeRecipients: LinkedFile
  setReferenceData: ReferenceFile
  setReferenceSource: ReferenceFile
  setRequestedDocument: LinkedFile & { c: string }
  setRequestedSpreadsheet: LinkedFile & { c: string }
  /** Before Document Server 7.5; now `setRequestedDocument`. */
  setRevisedFile: LinkedFile
}

/** A page hands a payload on at once; the editor asks for history data again after 5 minutes. */
export const METHOD_TOKEN_S = 3600

/**
 * The payload with the token over exactly its fields, HS256.
 *
 * @param expiresInS without it the token has no `exp`
 */
export function signedFor<M extends keyof SignedPayloads>(
  tokens: Pick<DocServerTokens, 'sign'>,
  _method: M,
  payload: SignedPayloads[M],
  expiresInS?: number,
): SignedPayloads[M] & { token: string } {
  return { ...payload, token: tokens.sign(payload, expiresInS) }
}
