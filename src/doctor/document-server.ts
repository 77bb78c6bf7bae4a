import { firstThat, otherBases, otherScheme, redirectedBase } from './base-paths.ts'
import { betweenOf, certificateFix } from './between.ts'
import { type Check, type CheckId, failed, passed, skipped } from './check.ts'
import { type Run, settingsOf } from './parts.ts'
import { type Answer, type Fault, inWords } from './requests.ts'

export type Reached = {
  checks: Check[]
  /** What keeps us from it; undefined: it answers. */
  cause: CheckId | undefined
  /** Its clock minus ours, in seconds; undefined when it does not tell. */
  skewS: number | undefined
}

/** In the order in which they are met. */
export const REACH_CHECKS = [
  'document-server-name',
  'document-server-connection',
  'document-server-certificate',
  'document-server-address',
  'document-server-health',
] as const satisfies CheckId[]

/** From the name to the health check: the first step that fails is told, what comes before it is well. */
export async function reachDocumentServer(run: Run): Promise<Reached> {
  const { addresses, send, limits, clock } = run
  const base = addresses.docServerInternalUrl
  const startedAt = clock().getTime()
  const { answer, fault } = await send(`${base}/healthcheck`, {
    trust: 'ours',
    limitMs: limits.requestMs,
  })
  const halfwayMs = (startedAt + clock().getTime()) / 2

  const failure = fault === undefined ? await misplaced(run, answer) : await unreachable(run, fault)
  const at =
    failure === undefined
      ? REACH_CHECKS.length
      : REACH_CHECKS.indexOf(failure.id as (typeof REACH_CHECKS)[number])
  const checks = [
    ...REACH_CHECKS.slice(0, at).map((id) => passed(id, `${base}/healthcheck: ${MEANING[id]}`)),
    ...(failure === undefined ? [] : [failure]),
    ...skipped(REACH_CHECKS.slice(at + 1), `of ${failure?.id}`),
  ]
  const date = Date.parse(answer?.headers.date ?? '')
  const skewS = Number.isNaN(date) ? undefined : (date - halfwayMs) / 1000
  return { checks, cause: failure?.id, skewS }
}

const MEANING: Record<(typeof REACH_CHECKS)[number], string> = {
  'document-server-name': 'the name resolves',
  'document-server-connection': 'it takes connections',
  'document-server-certificate': 'nothing is wrong with its certificate',
  'document-server-address': 'a Document Server answers',
  'document-server-health': 'it says that it is well',
}

async function unreachable(run: Run, fault: Fault): Promise<Check> {
  const { addresses, config } = run
  const setting = settingsOf(config).docServer
  const { host, hostname } = new URL(addresses.docServerInternalUrl)
  const evidence = `${addresses.docServerInternalUrl}/healthcheck: ${inWords(fault)}`
  if (fault.kind === 'name') {
    const fix = `Correct the host in ${setting}, or make "${hostname}" known to the name service of this machine.`
    return failed('document-server-name', evidence, fix)
  }
  if (fault.kind === 'certificate') {
    const fix = certificateFix(fault.code, setting, hostname) ?? TRUST_FIX
    return failed('document-server-certificate', evidence, fix)
  }
  const other = otherScheme(addresses.docServerInternalUrl)
  if (fault.kind !== 'time' && (await isDocumentServer(run, other))) {
    return failed(
      'document-server-address',
      `${evidence}; ${other}/healthcheck is well`,
      `Set ${setting} to ${other}.`,
    )
  }
  if (fault.kind === 'other') {
    return failed('document-server-address', evidence, `Set ${setting} to the address of Document Server.`)
  }
  const fix = `Start Document Server, correct host and port in ${setting}, or let the firewall pass ${host}.`
  return failed('document-server-connection', evidence, fix)
}

const TRUST_FIX =
  'Set ONLYOFFICE_CA_FILE to the PEM file of the authority (or the certificate itself) that Document Server uses.'

/** Something answers: is it Document Server, and is it well? */
async function misplaced(run: Run, answer: Answer): Promise<Check | undefined> {
  const { addresses, config } = run
  const base = addresses.docServerInternalUrl
  const setting = settingsOf(config).docServer
  if (isHealthAnswer(answer)) {
    if (answer.body.trim() === 'true') return undefined
    const fix = 'Look into the log of Document Server: its database, queue or storage does not answer.'
    return failed('document-server-health', `${base}/healthcheck answered "false"`, fix)
  }
  const evidence = `${base}/healthcheck answered HTTP ${answer.status} and is not Document Server's`
  const redirected = redirectedBase(base, '/healthcheck', answer)
  if (redirected !== undefined) {
    return failed(
      'document-server-address',
      `${evidence}, but leads to ${redirected}`,
      `Set ${setting} to ${redirected}.`,
    )
  }
  const others = [otherScheme(base), ...otherBases(base, [addresses.docServerUrl ?? base])]
  const found = await firstThat(others, (other) => isDocumentServer(run, other))
  if (found !== undefined) {
    return failed(
      'document-server-address',
      `${evidence}; ${found}/healthcheck is`,
      `Set ${setting} to ${found}.`,
    )
  }
  switch (betweenOf(answer)) {
    case 'proxy':
      return failed(
        'document-server-connection',
        evidence,
        `Start Document Server, or let the proxy at ${setting} pass requests to where it is.`,
      )
    case 'sign-in':
      return failed(
        'document-server-address',
        evidence,
        `Let the proxy before ${setting} pass the requests of this service without a sign-in of its own.`,
      )
    default: {
      const fix = `Set ${setting} to the address of Document Server, sub-path included.`
      return failed('document-server-address', evidence, fix)
    }
  }
}

async function isDocumentServer({ send, limits }: Run, base: string): Promise<boolean> {
  const { answer } = await send(`${base}/healthcheck`, { trust: 'ours', limitMs: limits.requestMs })
  return answer !== undefined && isHealthAnswer(answer)
}

/** Source: ONLYOFFICE Docs, /healthcheck: 200 `true` or `false`. */
function isHealthAnswer({ status, body }: Answer): boolean {
  return status === 200 && /^(true|false)$/.test(body.trim())
}
