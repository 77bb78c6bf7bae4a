import { type Fault, inWords } from './requests.ts'

/** What was seen of a server that others than we run, and what is to be done. */
export type Trouble = { evidence: string; fix: string }

/**
 * Host and port of an address that may hold a password.
 *
 * @returns undefined when they cannot be told from it: it has characters that should be percent-encoded
 */
export function placeOf(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined
  const { host, pathname, search, hash } = new URL(url)
  return host === '' || (pathname + search + hash).includes('@') ? undefined : host
}

/** No connection to a server. @param setting holds its address */
export function unreachable(fault: Fault, setting: string, program: string, place: string): Trouble {
  const evidence = `${program} at ${place}: ${inWords(fault)}`
  switch (fault.kind) {
    case 'name':
      return {
        evidence,
        fix: `Correct the host in ${setting}, or make it known to the name service of this machine.`,
      }
    case 'certificate':
      return {
        evidence,
        fix: `Have ${program} show a certificate that Node believes for the host in ${setting} (NODE_EXTRA_CA_CERTS names the file of a private authority).`,
      }
    default:
      return {
        evidence,
        fix: `Start ${program}, or set ${setting} to the address at which it answers this machine.`,
      }
  }
}
