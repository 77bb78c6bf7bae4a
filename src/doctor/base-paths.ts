import type { Answer } from './requests.ts'

const MOST_TRIED = 6

/** Where else a service may be when its sub-path is wrong: fewer parts of it, one of its halves, or the path of another address of it. */
export function otherBases(address: string, relatives: readonly string[] = []): string[] {
  const { origin, pathname } = new URL(address)
  const parts = partsOf(pathname)
  const paths = [
    ...(isDoubled(parts) ? [parts.slice(parts.length / 2)] : []),
    ...relatives.map((relative) => partsOf(new URL(relative).pathname)),
    ...parts.map((_part, index) => parts.slice(0, index)),
    ...parts.map((_part, index) => parts.slice(index + 1)),
  ]
  const bases = paths.map((path) => [origin, ...path].join('/'))
  return [...new Set(bases)].filter((base) => base !== address)
}

/** The same place by the other one of http and https. */
export function otherScheme(address: string): string {
  return address.startsWith('https:')
    ? address.replace('https:', 'http:')
    : address.replace('http:', 'https:')
}

/** Where a redirect of `base + path` says that the service is; undefined: it says nothing of the kind. */
export function redirectedBase(
  base: string,
  path: string,
  { status, headers }: Pick<Answer, 'status' | 'headers'>,
): string | undefined {
  const { location } = headers
  if (status < 300 || status > 399 || location === undefined || !URL.canParse(location, base + path))
    return undefined
  const { origin, pathname, protocol } = new URL(location, base + path)
  const isPlain = /^https?:$/.test(protocol) && pathname.endsWith(path)
  const found = origin + pathname.slice(0, -path.length)
  return isPlain && found !== base ? found : undefined
}

function partsOf(pathname: string): string[] {
  return pathname.split('/').filter(Boolean)
}

function isDoubled(parts: string[]): boolean {
  const half = parts.length / 2
  return half >= 1 && parts.slice(0, half).join('/') === parts.slice(half).join('/')
}

/** The first of the bases that passes; all are tried at once, so that a silent one holds up no other. */
export async function firstThat(
  bases: readonly string[],
  passes: (base: string) => Promise<boolean>,
): Promise<string | undefined> {
  const tried = bases.slice(0, MOST_TRIED)
  const passed = await Promise.all(tried.map(passes))
  return tried.find((_base, index) => passed[index])
}
