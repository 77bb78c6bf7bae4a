import { spawnSync } from 'node:child_process'

/** A program that a quickstart is written for. */
export type Program = {
  path: string
  isMissing: boolean
  /** Why a test is skipped, for the end of its name. */
  note: string
}

export const curl = findProgram('curl', ['curl'], ['--version'])

/** With requests. Debian's package of it serves /usr/bin/python3, which need not be the first on PATH. */
export const python = findProgram(
  'python3 with requests',
  ['python3', '/usr/bin/python3'],
  ['-c', 'import requests'],
)

/** @throws Error when none of them runs and REQUIRE_SERVICES=1 forbids skipping */
function findProgram(name: string, paths: string[], probe: string[]): Program {
  // No more of the environment than a reader's program gets.
  const env = { PATH: process.env.PATH }
  const path = paths.find((candidate) => spawnSync(candidate, probe, { env }).status === 0)
  if (path === undefined && process.env.REQUIRE_SERVICES === '1')
    throw new Error(`${name} is missing and REQUIRE_SERVICES=1`)
  return path === undefined
    ? { path: '', isMissing: true, note: ` (skipped: no ${name})` }
    : { path, isMissing: false, note: '' }
}
