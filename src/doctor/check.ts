/** Which way a check looks. */
export type Leg = 'browser→Document Server' | 'us→Document Server' | 'Document Server→us' | 'service'

/** Every check there is, in the order of a report. */
export const CHECKS = {
  'mixed-content': 'browser→Document Server',
  'api-js': 'browser→Document Server',
  'page-policy': 'browser→Document Server',
  'editor-frame': 'browser→Document Server',
  'document-server-version': 'browser→Document Server',
  'document-server-configured': 'us→Document Server',
  'document-server-name': 'us→Document Server',
  'document-server-connection': 'us→Document Server',
  'document-server-certificate': 'us→Document Server',
  'document-server-address': 'us→Document Server',
  'document-server-health': 'us→Document Server',
  'document-server-clock': 'us→Document Server',
  'document-server-jwt': 'us→Document Server',
  'document-server-secret': 'us→Document Server',
  'document-server-header': 'us→Document Server',
  'document-server-license': 'us→Document Server',
  'document-server-conversion': 'us→Document Server',
  'document-server-files': 'us→Document Server',
  'public-address': 'Document Server→us',
  'own-address': 'Document Server→us',
  'own-certificate': 'Document Server→us',
  'own-private-address': 'Document Server→us',
  'own-reachability': 'Document Server→us',
  'outbox-tokens': 'Document Server→us',
  'size-limit': 'Document Server→us',
  callbacks: 'Document Server→us',
  'service-running': 'service',
  'data-folder': 'service',
  'disk-room': 'service',
  database: 'service',
  blobs: 'service',
  backplane: 'service',
  'node-version': 'service',
  libreoffice: 'service',
} as const satisfies Record<string, Leg>

export type CheckId = keyof typeof CHECKS

export type Check = {
  id: CheckId
  leg: Leg
  result: 'ok' | 'warn' | 'fail'
  /** What was seen; addresses are in it, secrets and tokens never. */
  evidence: string
  /** One sentence; null when there is nothing to do. */
  fix: string | null
  /** Why it was not looked at; its result is `ok` then. In no answer: the evidence says it, too. */
  because?: string
}

const MOST_EVIDENCE_CHARS = 600

export function passed(id: CheckId, evidence: string): Check {
  return { id, leg: CHECKS[id], result: 'ok', evidence: printable(evidence), fix: null }
}

export function warned(id: CheckId, evidence: string, fix: string): Check {
  return { id, leg: CHECKS[id], result: 'warn', evidence: printable(evidence), fix: printable(fix) }
}

export function failed(id: CheckId, evidence: string, fix: string): Check {
  return { id, leg: CHECKS[id], result: 'fail', evidence: printable(evidence), fix: printable(fix) }
}

/** Others' answers are quoted in it, and it goes to a terminal and a log. */
function printable(text: string): string {
  const plain = text.replace(/\p{C}/gu, ' ')
  return plain.length <= MOST_EVIDENCE_CHARS ? plain : `${plain.slice(0, MOST_EVIDENCE_CHARS)}…`
}

/** What follows from a cause that is told already is not told again. */
export function skipped(ids: readonly CheckId[], because: string): Check[] {
  return ids.map((id) => unlooked(id, because))
}

export function unlooked(id: CheckId, because: string): Check {
  return { ...passed(id, `not checked because ${because}`), because: printable(because) }
}

/** The same fix mends the same cause: it is told by the first check that fails of it. */
export function withoutRepeats(checks: readonly Check[]): Check[] {
  return checks.map((check, index) => {
    const first = checks.slice(0, index).find(({ fix }) => fix !== null && fix === check.fix)
    return first === undefined ? check : unlooked(check.id, `of ${first.id}`)
  })
}

/** Why some were not looked at, and which. */
export function unlookedGroups(checks: readonly Check[]): { because: string; ids: CheckId[] }[] {
  const groups = new Map<string, CheckId[]>()
  for (const { id, because } of checks) {
    if (because !== undefined) groups.set(because, [...(groups.get(because) ?? []), id])
  }
  return [...groups].map(([because, ids]) => ({ because, ids }))
}

/** In the order of a report. */
export function sorted(checks: readonly Check[]): Check[] {
  const order = Object.keys(CHECKS)
  return checks.toSorted((one, other) => order.indexOf(one.id) - order.indexOf(other.id))
}
