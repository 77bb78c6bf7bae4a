import { randomUUID } from 'node:crypto'
import { lookup } from 'node:dns/promises'
import ipaddr from 'ipaddr.js'
import { probeText } from '../docserver/probe-route.ts'
import { firstThat, otherBases } from './base-paths.ts'
import { type Check, type CheckId, failed } from './check.ts'
import { type Conversion, convertText, NOT_DOWNLOADED } from './conversion.ts'
import { probeAddress, type Run, settingsOf } from './parts.ts'
import { type Fault, inWords } from './requests.ts'

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
  if (look.fault?.kind === 'certificate') {
    return failed(
      'own-certificate',
      `${seen}; from here ${inWords(look.fault)}`,
      `Make Document Server trust the certificate of ${setting} (NODE_EXTRA_CA_CERTS in its environment), or set ` +
        'INTERNAL_URL to an http address between the two.',
    )
  }
  if (look.fault !== undefined) {
    return failed('own-reachability', `${seen}; from here ${inWords(look.fault)}`, reachFix(base, setting))
  }
  if (!look.isThisService) return misplaced(run, look.status)
  const itself = await fetchOfItself(run)
  if ('refusal' in itself && isLate) {
    return failed(
      'document-server-conversion',
      `${seen} and nothing from itself within ${run.limits.conversionMs / 1000} s`,
      `Start the converter of Document Server (ds-converter), and let it reach ${base}.`,
    )
  }
  const isRefused = 'error' in itself && itself.error === NOT_DOWNLOADED
  return isRefused && (await arePrivate(run))
    ? failed(
        'own-private-address',
        `${seen}, nor from itself: it refuses private addresses`,
        `Put ${PRIVATE_ADDRESS_LINES} into Document Server's local.json and restart it, or set INTERNAL_URL to a public address.`,
      )
    : failed('own-reachability', `${seen}; from here it can be fetched`, reachFix(base, setting))
}

/** Whether another service answers where Document Server looks for us; undefined: no, or it cannot be seen from here. */
export async function wrongService(run: Run): Promise<Check | undefined> {
  const look = await askOurselves(run, run.addresses.internalUrl)
  return look.fault !== undefined || look.isThisService ? undefined : misplaced(run, look.status)
}

async function misplaced(run: Run, status: number): Promise<Check> {
  const { internalUrl: base, publicUrl, localUrl } = run.addresses
  const setting = settingsOf(run.config).own
  const found = await firstThat(otherBases(base, [publicUrl, localUrl]), async (other) => {
    const look = await askOurselves(run, other)
    return look.fault === undefined && look.isThisService
  })
  const evidence = `at ${base}, where Document Server looks for us, it is not this service that answers (HTTP ${status})`
  return found === undefined
    ? failed('own-address', evidence, `Set ${setting} to the address of this service, sub-path included.`)
    : failed('own-address', `${evidence}, but at ${found} it is`, `Set ${setting} to ${found}.`)
}

type Look = { fault: Fault } | { fault?: undefined; status: number; isThisService: boolean }

async function askOurselves(run: Run, base: string): Promise<Look> {
  const nonce = randomUUID()
  const url = probeAddress(run, base, { nonce, part: 'file' })
  const { answer, fault } = await run.send(url, { trust: 'system', limitMs: run.limits.requestMs })
  if (fault !== undefined) return { fault }
  return { status: answer.status, isThisService: answer.status === 200 && answer.body === probeText(nonce) }
}

function reachFix(base: string, setting: string): string {
  const { host, hostname } = new URL(base)
  const hint = isLoopback(hostname)
    ? ` (${hostname} names the machine or container of Document Server itself)`
    : ''
  return setting === 'INTERNAL_URL'
    ? `Set INTERNAL_URL to an address at which Document Server reaches this service${hint}, or let the firewall pass ${host}.`
    : `Set INTERNAL_URL to an address at which Document Server reaches this service: PUBLIC_URL is none${hint}.`
}

/** Its health check is a file that Document Server can always fetch, unless it refuses private addresses. */
function fetchOfItself(run: Run): Promise<Conversion> {
  return convertText(run, `${run.addresses.docServerInternalUrl}/healthcheck`)
}

async function arePrivate({ addresses }: Run): Promise<boolean> {
  const found = await Promise.all([addresses.internalUrl, addresses.docServerInternalUrl].map(isPrivate))
  return !found.includes(false)
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
  return hostname === 'localhost' || hostname === '[::1]' || /^127\./.test(hostname)
}
