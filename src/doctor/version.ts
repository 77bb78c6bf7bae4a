import { type Check, failed, passed, warned } from './check.ts'

/** The first with commands for the forgotten store, without which a save that was refused cannot be fetched back. */
const SUPPORTED = [7, 4] as const
/** The first with `refreshFile`; `info` names the editors since 8.2. */
const COMPLETE = [8, 3] as const
/** What a build from source says, whatever its age. */
const UNNAMED = '4.1.2'

const FIX = 'Update Document Server to 8.3 or newer.'

/** @param given the answer of the command `version`, like `9.4.0.129` */
export function versionCheck(given: unknown): Check {
  const id = 'document-server-version'
  const [, major = '', minor = ''] = /^(\d{1,4})\.(\d{1,4})/.exec(String(given)) ?? []
  if (major === '') return passed(id, 'Document Server does not tell its version')
  const version = String(given).slice(0, 40)
  if (version === UNNAMED || version.startsWith(`${UNNAMED}.`)) {
    return passed(id, `the version ${version} is that of a build from source, which tells nothing`)
  }
  const seen = `Document Server is ${version}`
  const number = [Number(major), Number(minor)] as const
  if (isBefore(number, SUPPORTED)) {
    return failed(id, `${seen}: it cannot hand back saves that were not taken (7.4)`, FIX)
  }
  if (isBefore(number, COMPLETE)) {
    return warned(id, `${seen}: it cannot refresh an open editor (8.3)`, FIX)
  }
  return passed(id, seen)
}

function isBefore(
  [major, minor]: readonly [number, number],
  [other, least]: readonly [number, number],
): boolean {
  return major < other || (major === other && minor < least)
}
