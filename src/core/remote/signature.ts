import { createHash } from 'node:crypto'
import type { Deps } from '../deps.ts'
import { signedHeaders } from '../webhooks/signature.ts'

/** What stands in the signature for a request without a body. */
export const NO_BODY_SHA256 = createHash('sha256').digest('hex')

/** With it the owner of a linked file checks our requests: `whsec_…`, one for each API key. */
export function fileSecret({ webhookSecret }: Pick<Deps, 'webhookSecret'>, apiKeyId: string): string {
  return webhookSecret(`files ${apiKeyId}`)
}

/**
 * Headers that prove that a request is ours. Source: Standard Webhooks, Signature scheme; in place of a
 * file stands its SHA-256 in hex, so that files of any size are signed before they are sent.
 *
 * @param signed the JSON of a POST, the SHA-256 of a file, or `NO_BODY_SHA256`
 */
export function fileHeaders(
  deps: Pick<Deps, 'webhookSecret' | 'clock'>,
  { apiKeyId, id, signed }: { apiKeyId: string; id: string; signed: string },
): Record<string, string> {
  return signedHeaders(fileSecret(deps, apiKeyId), { id, sentAt: deps.clock(), body: signed })
}
