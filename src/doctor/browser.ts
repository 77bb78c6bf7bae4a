import { randomUUID } from 'node:crypto'
import { probeText } from '../docserver/probe.ts'
import { firstThat, otherBases, redirectedBase } from './base-paths.ts'
import { betweenOf, certificateFix } from './between.ts'
import { type Check, type CheckId, failed, passed, skipped, unlooked, warned } from './check.ts'
import { allowsLoading } from './content-policy.ts'
import { frameCheck } from './editor-frame.ts'
import { PROBE_PATH, probeAddress, type Run } from './parts.ts'
import { type Answer, type Fault, inWords, type Outcome } from './requests.ts'
import { isLoopback, signInFix } from './why-not-fetched.ts'

// Source: ONLYOFFICE Docs API, Basic concepts.
const API_JS = '/web-apps/apps/api/documents/api.js'

/** What a browser needs of Document Server, at its public address. */
export const BROWSER_CHECKS = ['mixed-content', 'api-js', 'editor-frame'] as const satisfies CheckId[]

/** @param cause what keeps us from Document Server's internal address */
export async function browserChecks(
  run: Run,
  docServerUrl: string,
  cause: CheckId | undefined,
): Promise<Check[]> {
  const mixed = mixedContentCheck(run.addresses.publicUrl, docServerUrl)
  if (cause !== undefined && docServerUrl === run.addresses.docServerInternalUrl) {
    return [mixed, ...skipped(['api-js', 'editor-frame'], `of ${cause}`)]
  }
  const { check, base } = await apiJsCheck(run, docServerUrl)
  if (base === undefined) return [mixed, check, unlooked('editor-frame', 'of api-js')]
  const frame = await frameCheck(run, base, docServerUrl)
  return frame.id === 'mixed-content'
    ? [frame, check, unlooked('editor-frame', 'of mixed-content')]
    : [mixed, check, frame]
}

function mixedContentCheck(publicUrl: string, docServerUrl: string): Check {
  const id = 'mixed-content'
  const seen = `the pages are at ${new URL(publicUrl).origin}, Document Server is at ${new URL(docServerUrl).origin}`
  if (publicUrl.startsWith('https:') && docServerUrl.startsWith('http:')) {
    const fix =
      'Serve Document Server by https and set ONLYOFFICE_URL to that address: a secure page loads nothing by http.'
    return failed(id, seen, fix)
  }
  return passed(id, seen)
}

/** What browsers load, and where that can be looked at from here. */
type Seen = { check: Check; base: string | undefined }

async function apiJsCheck(run: Run, docServerUrl: string): Promise<Seen> {
  const id = 'api-js'
  const url = docServerUrl + API_JS
  const { answer, fault } = await load(run, url)
  if (isApiJs(answer)) return { check: passed(id, `${url} loads`), base: docServerUrl }
  if (fault !== undefined) return unseen(run, url, fault)

  const found =
    redirectedBase(docServerUrl, API_JS, answer) ??
    (await firstThat(otherBases(docServerUrl, [run.addresses.docServerInternalUrl]), async (other) =>
      isApiJs((await load(run, other + API_JS)).answer),
    ))
  const evidence = `${url} answered HTTP ${answer.status} and is not the script of the editor`
  const check =
    found === undefined
      ? failed(id, evidence, 'Set ONLYOFFICE_URL to the address at which browsers reach Document Server.')
      : failed(id, `${evidence}; it seems to be at ${found}${API_JS}`, `Set ONLYOFFICE_URL to ${found}.`)
  return { check, base: undefined }
}

/** The public address need not be reachable from this machine; `localhost` is another one here. */
async function unseen(run: Run, url: string, fault: Fault): Promise<Seen> {
  const id = 'api-js'
  const { docServerUrl, docServerInternalUrl: inside } = run.addresses
  const isSplit = docServerUrl !== inside
  if (isSplit && isLoopback(new URL(url).hostname) && isApiJs((await load(run, inside + API_JS)).answer)) {
    const evidence = `${inside}${API_JS} loads; ${url} can be tried on the machine of the browser only`
    return { check: passed(id, evidence), base: inside }
  }
  const evidence = `${url} from here: ${inWords(fault)}`
  if (fault.kind === 'certificate') return { check: untrusted(id, evidence, fault, url), base: undefined }
  const fix =
    'Set ONLYOFFICE_URL to the address at which browsers reach Document Server, if they do not load this one.'
  return { check: warned(id, evidence, fix), base: undefined }
}

/** Browsers may trust an authority that we do not know; nobody trusts a certificate that is not good. */
function untrusted(id: 'api-js' | 'public-address', evidence: string, { code }: Fault, url: string): Check {
  const setting = id === 'api-js' ? 'ONLYOFFICE_URL' : 'PUBLIC_URL'
  const bad = certificateFix(code, setting, new URL(url).hostname)
  if (bad !== undefined) return failed(id, evidence, bad)
  return warned(
    id,
    evidence,
    `Show browsers a certificate that they trust at ${setting}, or set ONLYOFFICE_CA_FILE to the PEM file of its authority if they trust it.`,
  )
}

function load({ send, limits }: Run, url: string): Promise<Outcome> {
  return send(url, { trust: 'ours', limitMs: limits.requestMs })
}

function isApiJs(answer: Answer | undefined): boolean {
  return answer?.status === 200 && answer.body.includes('DocsAPI')
}

/** Our own pages, as they arrive through `PUBLIC_URL`: is it this service, and may its pages load the editor? */
export async function ownPageChecks(
  run: Run,
  docServerUrl: string,
  /** What keeps Document Server from us. */
  cause: CheckId | undefined,
): Promise<Check[]> {
  const { publicUrl, internalUrl } = run.addresses
  if (cause !== undefined && publicUrl === internalUrl)
    return skipped(['public-address', 'page-policy'], `of ${cause}`)
  const nonce = randomUUID()
  const look = (base: string) => load(run, probeAddress(run, base, { nonce, part: 'page' }))
  const outcome = await look(publicUrl)
  if (outcome.answer?.body === probeText(nonce)) {
    return [
      passed('public-address', `${publicUrl} is this service`),
      policyCheck(run, docServerUrl, outcome.answer),
    ]
  }
  const found =
    outcome.answer &&
    (redirectedBase(publicUrl, PROBE_PATH, outcome.answer) ??
      (await firstThat(
        otherBases(publicUrl, [internalUrl, run.addresses.localUrl]),
        async (other) => (await look(other)).answer?.body === probeText(nonce),
      )))
  const because = outcome.fault === undefined ? 'of public-address' : `${publicUrl} cannot be seen from here`
  return [publicAddressCheck(run, outcome, found), ...skipped(['page-policy'], because)]
}

function publicAddressCheck(
  { addresses, config }: Run,
  { answer, fault }: Outcome,
  found: string | undefined,
): Check {
  const id = 'public-address'
  const { publicUrl, internalUrl } = addresses
  const fix = found
    ? `Set PUBLIC_URL to ${found}.`
    : 'Set PUBLIC_URL to the address at which browsers reach this service.'
  if (fault === undefined) {
    const evidence = `${publicUrl} answered HTTP ${answer.status} and is not this service`
    const between = found === undefined ? betweenOf(answer) : undefined
    if (between === 'proxy') {
      return failed(id, evidence, `Let the proxy at PUBLIC_URL pass requests to ${addresses.localUrl}.`)
    }
    // People may have to sign in there first, and then it may be this service.
    if (between === 'sign-in') return warned(id, evidence, signInFix('PUBLIC_URL'))
    return failed(id, found ? `${evidence}; it seems to be at ${found}` : evidence, fix)
  }
  const evidence = `${publicUrl} from here: ${inWords(fault)}`
  if (publicUrl === internalUrl) return passed(id, `Document Server reaches ${publicUrl}`)
  if (fault.kind === 'name') return failed(id, evidence, fix)
  if (fault.kind === 'certificate') return untrusted(id, evidence, fault, publicUrl)
  if (config.INTERNAL_URL !== undefined && isLoopback(new URL(publicUrl).hostname)) {
    return passed(id, `${publicUrl} can be tried on the machine of the browser only`)
  }
  return warned(id, evidence, fix)
}

function policyCheck({ addresses }: Run, docServerUrl: string, { headers }: Answer): Check {
  const id = 'page-policy'
  const page = addresses.publicUrl
  const header = headers['content-security-policy']
  const { origin } = new URL(docServerUrl)
  const blocked = (['script', 'frame'] as const).filter(
    (kind) => !allowsLoading(header, { kind, url: docServerUrl + API_JS, page }),
  )
  if (blocked.length === 0)
    return passed(id, `the policy of our pages allows scripts and frames of ${origin}`)
  // Source: CSP3 §2.3.1, host-source.
  const cannotBeNamed = new URL(docServerUrl).hostname.startsWith('[')
  return failed(
    id,
    `the Content-Security-Policy that arrives with our pages allows no ${blocked.join(' and ')} of ${origin}`,
    cannotBeNamed
      ? 'Set ONLYOFFICE_URL to an address with a host name: a Content-Security-Policy cannot name an IPv6 address.'
      : `Let the proxy before PUBLIC_URL add no Content-Security-Policy, or one with ${origin} in script-src and frame-src.`,
  )
}
