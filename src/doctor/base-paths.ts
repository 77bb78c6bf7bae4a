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
  return isPlain ? origin + pathname.slice(0, -path.length) : undefined
}

function partsOf(pathname: string): string[] {
  return pathname.split('/').filter(Boolean)
}

function isDoubled(parts: string[]): boolean {
  const half = parts.length / 2
  return half >= 1 && parts.slice(0, half).join('/') === parts.slice(half).join('/')
}

/** The first of the bases that passes. */
export async function firstThat(
  bases: readonly string[],
  passes: (base: string) => Promise<boolean>,
): Promise<string | undefined> {
  for (const base of bases.slice(0, MOST_TRIED)) if (await passes(base)) return base
  return undefined
}
