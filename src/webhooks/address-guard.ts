import { type LookupAddress, type LookupOptions, lookup as systemLookup } from 'node:dns'
import type { LookupFunction } from 'node:net'
import ipaddr from 'ipaddr.js'

/** Which addresses a webhook may reach. */
export type AddressGuard = {
  /** Whether the host of an address is refused already as it is written. */
  refuses(hostname: string): boolean
  /** For agents: resolves names to admitted addresses alone, at the moment of connecting. */
  lookup: LookupFunction
}

export class AddressRefused extends Error {
  readonly code = 'ERR_ADDRESS_REFUSED'
}

/** The only addresses of IPv6 that are given out for the internet. Source: RFC 4291 §2.4, IANA IPv6 Address Space. */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3')

/**
 * @param allowedHosts names, addresses and networks (CIDR) that are admitted although they lie inside
 * @param resolve tests answer for the name service
 */
export function createAddressGuard(
  allowedHosts: readonly string[],
  resolve: typeof systemLookup = systemLookup,
): AddressGuard {
  const networks = allowedHosts.filter(isNetwork).map(networkOf)
  const names = new Set(allowedHosts.filter((host) => !isNetwork(host)).map((name) => name.toLowerCase()))

  function isAllowed(address: string): boolean {
    const parsed = ipaddr.process(address)
    return isPublic(parsed) || networks.some((network) => isWithin(parsed, network))
  }

  function lookup(
    hostname: string,
    options: LookupOptions,
    callback: (
      error: NodeJS.ErrnoException | null,
      address: string | LookupAddress[],
      family?: number,
    ) => void,
  ): void {
    resolve(hostname, { ...options, all: true }, (error, found) => {
      if (error !== null) return callback(error, [])
      const admitted = names.has(hostname.toLowerCase())
        ? found
        : found.filter(({ address }) => isAllowed(address))
      const [first] = admitted
      if (first === undefined)
        return callback(new AddressRefused('the name leads to an internal address'), [])
      if (options.all === true) callback(null, admitted)
      else callback(null, first.address, first.family)
    })
  }

  return {
    refuses(hostname) {
      const address = hostname.replace(/^\[|\]$/g, '')
      return ipaddr.isValid(address) && !isAllowed(address)
    },
    lookup,
  }
}

/** Names are resolved and looked at when they are connected to. */
export function isNetwork(host: string): boolean {
  return ipaddr.isValid(host) || ipaddr.isValidCIDR(host)
}

type Address = ipaddr.IPv4 | ipaddr.IPv6
type Network = [Address, number]

/** IPv4 addresses written as IPv6 were unwrapped before; those of tunnels and translators stay refused. */
function isPublic(address: Address): boolean {
  if (address.range() !== 'unicast') return false
  return address.kind() === 'ipv4' || address.match(GLOBAL_UNICAST)
}

function networkOf(host: string): Network {
  if (ipaddr.isValidCIDR(host)) return ipaddr.parseCIDR(host)
  const address = ipaddr.process(host)
  return [address, address.kind() === 'ipv4' ? 32 : 128]
}

function isWithin(address: Address, [network, bits]: Network): boolean {
  return address.kind() === network.kind() && address.match([network, bits])
}
