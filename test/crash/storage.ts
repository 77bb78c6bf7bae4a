import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import Sqlite from 'better-sqlite3'
import pg from 'pg'
import { openBlobs } from '../../src/blobs/open-blobs.ts'
import { loadConfig } from '../../src/config.ts'
import { scaledEnv } from '../support/scale.ts'

/** Rows and blobs as they lie there. All queries see one state. */
export type Storage = AsyncDisposable & {
  rows<Row extends object>(sql: string): Promise<Row[]>
  blob(sha256: string): Promise<Buffer>
  /** What the database itself finds wrong. */
  damages(): Promise<string[]>
}

/** What a service over this data folder keeps: in the folder, or where scaled tests keep it. */
export async function openStorage(dataDir: string): Promise<Storage> {
  const env = await scaledEnv(dataDir)
  return env.DATABASE_URL === undefined ? openFolder(dataDir) : openScaled(dataDir, env.DATABASE_URL, env)
}

function openFolder(dataDir: string): Storage {
  const database = new Sqlite(join(dataDir, 'metadata.sqlite'), { readonly: true, timeout: 2000 })
  database.exec('begin')
  return {
    rows: async <Row extends object>(sql: string) => database.prepare<[], Row>(sql).all(),
    blob: (sha256) => readFile(join(dataDir, 'blobs', sha256.slice(0, 2), sha256)),
    async damages() {
      const integrity = database.pragma('integrity_check', { simple: true })
      const foreign = database.pragma('foreign_key_check') as unknown[]
      return [
        ...(integrity === 'ok' ? [] : [`integrity_check: ${String(integrity)}`]),
        ...foreign.map((row) => `foreign_key_check: ${JSON.stringify(row)}`),
      ]
    },
    [Symbol.asyncDispose]: async () => {
      database.close()
    },
  }
}

async function openScaled(dataDir: string, url: string, env: Record<string, string>): Promise<Storage> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query('begin isolation level repeatable read')
  const blobs = await openBlobs(loadConfig({ DATA_DIR: dataDir, ADMIN_TOKEN: 'x'.repeat(16), ...env }))
  return {
    rows: async <Row extends object>(sql: string) => (await client.query<Row>(sql)).rows,
    blob: async (sha256) => buffer(await blobs.get(sha256)),
    damages: async () => [],
    async [Symbol.asyncDispose]() {
      await client.end()
      await blobs.close()
    },
  }
}
