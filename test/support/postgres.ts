import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from './ports.ts'
import { query } from './scale.ts'

const run = promisify(execFile)
/** Where Debian puts them, by version. */
const VERSIONS = '/usr/lib/postgresql'
const OWNER = 'postgres'
const MOST_S = 60

/** Without it tests are left out, unless services are required. */
export const isPostgresInstalled = process.env.REQUIRE_SERVICES === '1' || existsSync(VERSIONS)

export type OwnPostgres = AsyncDisposable & {
  /** Without a database: `postgres://…:port`. */
  url: string
  /** @returns its address */
  newDatabase(name: string): Promise<string>
  /** As a server that is killed: connections break in the middle of whatever they do. */
  kill(): Promise<void>
  start(): Promise<void>
}

/** A PostgreSQL of the test's own in a fresh folder. It refuses to run as root, so it runs as Debian's user then. */
export async function startPostgres(): Promise<OwnPostgres> {
  const bin = await binaries()
  if (bin === undefined) throw new Error('PostgreSQL is not installed: apt-get install postgresql')
  const folder = await mkdtemp(join(tmpdir(), 'docs-connector-postgres-'))
  const isRoot = userInfo().uid === 0
  if (isRoot) await run('chown', [OWNER, folder])
  const asOwner = (program: string, ...args: string[]) => {
    const command = [join(bin, program), ...args]
    return isRoot
      ? run('setpriv', [`--reuid=${OWNER}`, `--regid=${OWNER}`, '--init-groups', ...command], { cwd: folder })
      : run(command[0] ?? '', command.slice(1))
  }
  const data = join(folder, 'data')
  const port = await freePort()
  await asOwner(
    'initdb',
    '-D',
    data,
    '-U',
    OWNER,
    '-A',
    'trust',
    '-E',
    'UTF8',
    '--locale=C.UTF-8',
    '--no-sync',
  )
  // What a killed process had written stays with the system: only a power cut needs fsync.
  const settings = `-p ${port} -h 127.0.0.1 -k ${folder} -c fsync=off -c max_connections=400 -c shared_buffers=64MB`
  const start = async () => {
    await asOwner(
      'pg_ctl',
      '-D',
      data,
      '-l',
      join(folder, 'log'),
      '-o',
      settings,
      '-w',
      '-t',
      String(MOST_S),
      'start',
    )
  }
  const stop = async (mode: 'fast' | 'immediate') => {
    await asOwner('pg_ctl', '-D', data, '-m', mode, '-w', '-t', String(MOST_S), 'stop')
  }
  await start()
  const url = `postgres://${OWNER}@127.0.0.1:${port}`
  return {
    url,
    async newDatabase(name) {
      await query(`${url}/postgres`, `create database ${name}`)
      return `${url}/${name}`
    },
    kill: () => stop('immediate'),
    start,
    async [Symbol.asyncDispose]() {
      await stop('immediate').catch(() => {})
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function binaries(): Promise<string | undefined> {
  const versions = await readdir(VERSIONS).catch(() => [])
  const newest = versions.map(Number).toSorted((a, b) => b - a)[0]
  return newest === undefined ? undefined : join(VERSIONS, String(newest), 'bin')
}
