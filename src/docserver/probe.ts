import type { ProbeFetched } from '../core/events.ts'

export type ProbeSignature = ProbeFetched['signature']

/** What the running service alone knows. */
export type ProbeFacts = {
  /** Undefined: the file of this nonce was not fetched, or another node has not told of it. */
  fetched: ProbeSignature | undefined
  unsignedCallbacks: number
  /** ISO 8601, UTC. */
  lastUnsignedAt: string | undefined
}

/** The text that is served for a nonce: whoever returns it has asked this service. */
export function probeText(nonce: string): string {
  return `docs-connector probe ${nonce}\n`
}
