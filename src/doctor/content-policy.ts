/**
 * Whether every policy of a Content-Security-Policy header lets a page load from an address.
 *
 * Source: CSP3 §6.7.2 (matching), §6.8.1 (fallbacks). Nonces and hashes are left out: they name scripts, not places.
 *
 * @param header policies separated by commas; undefined: no policy
 * @param page the address of the page
 */
export function allowsLoading(
  header: string | undefined,
  { kind, url, page }: { kind: 'script' | 'frame'; url: string; page: string },
): boolean {
  const names = kind === 'script' ? ['script-src-elem', 'script-src'] : ['frame-src', 'child-src']
  return policiesOf(header).every((policy) => {
    const sources = [...names, 'default-src'].map((name) => policy.get(name)).find((one) => one !== undefined)
    return sources === undefined || sources.some((source) => matches(source, new URL(url), new URL(page)))
  })
}

/** Whether a page of this address may be framed by the page at another one. Source: CSP3 §6.4.2, RFC 7034. */
export function allowsFraming(
  headers: Record<string, string>,
  { frame, ancestor }: { frame: string; ancestor: string },
): boolean {
  const policies = policiesOf(headers['content-security-policy'])
  const lists = policies.map((policy) => policy.get('frame-ancestors')).filter((list) => list !== undefined)
  // The policy's list makes browsers ignore the older header.
  if (lists.length > 0) {
    return lists.every((list) => list.some((source) => matches(source, new URL(ancestor), new URL(frame))))
  }
  const options = headers['x-frame-options']?.toUpperCase() ?? ''
  if (options.includes('DENY')) return false
  return !options.includes('SAMEORIGIN') || new URL(frame).origin === new URL(ancestor).origin
}

function policiesOf(header: string | undefined): Map<string, string[]>[] {
  if (header === undefined) return []
  return header.split(',').map((policy) => {
    const directives = new Map<string, string[]>()
    for (const directive of policy.split(';')) {
      const [name = '', ...sources] = directive.trim().split(/\s+/)
      if (!directives.has(name.toLowerCase())) directives.set(name.toLowerCase(), sources)
    }
    return directives
  })
}

function matches(source: string, target: URL, self: URL): boolean {
  if (source === '*') return /^(https?|wss?):$/.test(target.protocol)
  if (source.toLowerCase() === "'self'") return target.origin === self.origin
  if (/^[a-z][a-z\d+.-]*:$/i.test(source)) return isScheme(source.toLowerCase(), target.protocol)
  const [, scheme, host = '', port, path] =
    /^(?:([a-z][a-z\d+.-]*:)\/\/)?([^/:'\s]+)(?::(\d+|\*))?(\/[^?#]*)?$/i.exec(source) ?? []
  if (host === '') return false
  if (!isScheme(scheme?.toLowerCase() ?? self.protocol, target.protocol)) return false
  const name = target.hostname.toLowerCase()
  const isAny = host === '*'
  const isHost = host.startsWith('*.')
    ? name.endsWith(host.slice(1).toLowerCase())
    : name === host.toLowerCase()
  const usual = target.protocol === 'https:' ? '443' : '80'
  const isPort = port === '*' || (port ?? usual) === (target.port || usual)
  const isPath =
    path === undefined || (path.endsWith('/') ? target.pathname.startsWith(path) : target.pathname === path)
  return (isAny || isHost) && isPort && isPath
}

/** A policy for http holds for https, too. */
function isScheme(given: string, actual: string): boolean {
  return given === actual || (given === 'http:' && actual === 'https:')
}
