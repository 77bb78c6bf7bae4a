import { randomUUID } from 'node:crypto'
import { lookup } from 'node:dns/promises'
import ipaddr from 'ipaddr.js'
import { probeText } from '../docserver/probe.ts'
import { firstThat, otherBases, otherScheme, redirectedBase } from './base-paths.ts'
import { betweenOf, certificateFix } from './between.ts'
import { type Check, type CheckId, failed } from './check.ts'
import { type Conversion, convertText, NOT_DOWNLOADED } from './conversion.ts'
import { PROBE_PATH, probeAddress, type Run, settingsOf } from './parts.ts'
import { type Answer, type Fault, inWords } from './requests.ts'

/** One of them tells why Document Server does not reach us. */
export const WAY_CHECKS = [
  'own-address',
  'own-certificate',
  'own-private-address',
  'own-reachability',
] as const satisfies CheckId[]

/** Source: ONLYOFFICE Docs API, server configuration, Request Filtering Agent. */
export const PRIVATE_ADDRESS_LINES =
  '{"services":{"CoAuthoring":{"request-filtering-agent":{"allowPrivateIPAddress":true,"allowMetaIPAddress":true}}}}'

/** Document Server says only that it could not fetch the file: the same is tried from here, with the trust that it has. */
export async function whyNotFetched(run: Run, { isLate = false } = {}): Promise<Check> {
  const base = run.addresses.internalUrl
  const setting = settingsOf(run.config).own
  const seen = `Document Server could not fetch a file from ${base}`

  const look = await askOurselves(run, base)
  if (look.fault !== undefined) return unreachable(run, look.fault)
  if (!look.isThisService) return misplaced(run, look.answer)
  const itself = await Promise.all(
    [run.addresses.docServerInternalUrl, ITS_OWN_LOCALHOST].map((own) =>
      convertText(run, `${own}/healthcheck`),
    ),
  )
  if (isLate && itself.every((conversion) => 'refusal' in conversion)) {
    return failed(
      'document-server-conversion',
      `${seen} and nothing from itself within ${run.limits.conversionMs / 1000} s`,
      `Start the converter of Document Server (ds-converter), and let it reach ${base}.`,
    )
  }
  const [own, docServer] = await Promise.all([base, run.addresses.docServerInternalUrl].map(isPrivate))
  const [fromItself, fromLocalhost] = itself.map(isRefused)
  if (fromItself && fromLocalhost && own && docServer) {
    return failed(
      'own-private-address',
      `${seen}, nor from itself: it refuses private addresses`,
      `Put ${PRIVATE_ADDRESS_LINES} into Document Server's local.json and restart it, or set INTERNAL_URL to a public address.`,
    )
  }
  // A converter on a machine of its own has nothing on its localhost either.
  const mayBeFilter = own === true && fromLocalhost === true
  return failed(
    'own-reachability',
    `${seen}; from here it can be fetched`,
    reachFix(base, setting, mayBeFilter),
  )
}

/** Where Document Server finds itself also in a container. Source: default.json, services.CoAuthoring.server.port. */
const ITS_OWN_LOCALHOST = 'http://localhost:8000'

function isRefused(conversion: Conversion): boolean {
  return 'error' in conversion && conversion.error === NOT_DOWNLOADED
}

/** What cannot be reached from here either. */
async function unreachable(run: Run, fault: Fault): Promise<Check> {
  const base = run.addresses.internalUrl
  const setting = settingsOf(run.config).own
  const { hostname } = new URL(base)
  const evidence = `Document Server could not fetch a file from ${base}; from here ${inWords(fault)}`
  if (fault.kind === 'certificate') {
    const fix =
      certificateFix(fault.code, setting, hostname) ??
      `Make Document Server trust the certificate of ${setting} (NODE_EXTRA_CA_CERTS in its environment), or set ` +
        'INTERNAL_URL to an http address between the two.'
    return failed('own-certificate', evidence, fix)
  }
  if (fault.kind === 'name') {
    const fix = `Correct the host in ${setting}, or make "${hostname}" known to the name service of Document Server.`
    return failed('own-reachability', evidence, fix)
  }
  const other = otherScheme(base)
  if (fault.kind !== 'time' && (await isThisService(run, other))) {
    return failed('own-address', `${evidence}, but at ${other} it is`, `Set ${setting} to ${other}.`)
  }
  return failed('own-reachability', evidence, reachFix(base, setting))
}

/** Whether another service answers where Document Server looks for us; undefined: no, or it cannot be seen from here. */
export async function wrongService(run: Run): Promise<Check | undefined> {
  const look = await askOurselves(run, run.addresses.internalUrl)
  return look.fault !== undefined || look.isThisService ? undefined : misplaced(run, look.answer)
}

/** Document Server follows a redirect to a file, and on the way of a callback the save in it is lost. */
export async function detour(run: Run): Promise<Check | undefined> {
  const look = await askOurselves(run, run.addresses.internalUrl)
  const isRedirect = look.fault === undefined && look.answer.status >= 300 && look.answer.status <= 399
  return isRedirect ? misplaced(run, look.answer) : undefined
}

async function misplaced(run: Run, answer: Answer): Promise<Check> {
  const { internalUrl: base, publicUrl, localUrl } = run.addresses
  const setting = settingsOf(run.config).own
  const evidence = `at ${base}, where Document Server looks for us, it is not this service that answers (HTTP ${answer.status})`
  const found =
    redirectedBase(base, PROBE_PATH, answer) ??
    (await firstThat([otherScheme(base), ...otherBases(base, [publicUrl, localUrl])], (other) =>
      isThisService(run, other),
    ))
  if (found !== undefined) {
    return failed('own-address', `${evidence}, but at ${found} it is`, `Set ${setting} to ${found}.`)
  }
  switch (betweenOf(answer)) {
    case 'proxy':
      return failed('own-reachability', evidence, `Let the proxy at ${setting} pass requests to ${localUrl}.`)
    case 'sign-in':
      return failed('own-address', evidence, signInFix(setting))
    default: {
      const fix = `Set ${setting} to the address of this service, sub-path included.`
      return failed('own-address', evidence, fix)
    }
  }
}

export function signInFix(setting: string): string {
  return `Let the proxy before ${setting} pass /api/onlyoffice/ without a sign-in or redirect of its own.`
}

type Look = { fault: Fault } | { fault?: undefined; answer: Answer; isThisService: boolean }

async function askOurselves(run: Run, base: string): Promise<Look> {
  const nonce = randomUUID()
  const url = probeAddress(run, base, { nonce, part: 'file' })
  const { answer, fault } = await run.send(url, { trust: 'system', limitMs: run.limits.requestMs })
  if (fault !== undefined) return { fault }
  return { answer, isThisService: answer.status === 200 && answer.body === probeText(nonce) }
}

async function isThisService(run: Run, base: string): Promise<boolean> {
  const look = await askOurselves(run, base)
  return look.fault === undefined && look.isThisService
}

function reachFix(base: string, setting: string, mayBeFilter = false): string {
  const { host, hostname } = new URL(base)
  const hint = isLoopback(hostname)
    ? ` (${hostname} names the machine or container of Document Server itself)`
    : ''
  const other =
    setting === 'INTERNAL_URL' ? `${hint}, or let the firewall pass ${host}` : `: PUBLIC_URL is none${hint}`
  const filter =
    mayBeFilter && hint === ''
      ? `, or put ${PRIVATE_ADDRESS_LINES} into its local.json if its log says "It is private IP address"`
      : ''
  return `Set INTERNAL_URL to an address at which Document Server reaches this service${other}${filter}.`
}

async function isPrivate(address: string): Promise<boolean> {
  try {
    const found = await lookup(new URL(address).hostname.replace(/^\[|\]$/g, ''))
    return ipaddr.process(found.address).range() !== 'unicast'
  } catch {
    return false
  }
}

export function isLoopback(hostname: string): boolean {
  return /^(.+\.)?localhost\.?$/.test(hostname) || hostname === '[::1]' || /^127\./.test(hostname)
}
