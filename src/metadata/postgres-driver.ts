import { setTimeout as delay } from 'node:timers/promises'
import {
  CompiledQuery,
  type DatabaseConnection,
  type Driver,
  type QueryResult,
  SelectQueryNode,
} from 'kysely'
import type { QueryResult as PgResult, Pool, PoolClient } from 'pg'
import { isProblem, Problem } from '../errors.ts'
import { isConnectionLost, told } from './postgres-errors.ts'

/** A restart of the database takes seconds: whoever waits for it so long need not be told. */
export const AWAY_MS = 20_000
const RETRY_MS = 100
/** Random, another one after each crash of the database: see `database_life` in 0010-nodes.ts. */
const LIFE = 'select token from database_life'

/**
 * Connections of a pool. Every transaction is serializable, and its commit is never in doubt: when
 * the connection is lost before the answer, the server is asked by the transaction's id.
 */
export class PostgresDriver implements Driver {
  readonly #pool: Pool
  readonly #life: string

  /** @param isNew its tables need not be there yet */
  constructor(pool: Pool, { isNew }: { isNew: boolean }) {
    this.#pool = pool
    this.#life = isNew ? 'null::text' : `(${LIFE})`
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<PostgresConnection> {
    return new PostgresConnection(this.#pool, await connect(this.#pool), this.#life)
  }

  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin'))
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('commit'))
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    await own(connection).rollback()
  }

  async releaseConnection(connection: DatabaseConnection): Promise<void> {
    own(connection).release()
  }

  async destroy(): Promise<void> {
    if (!this.#pool.ended) await this.#pool.end()
  }
}

function own(connection: DatabaseConnection): PostgresConnection {
  if (connection instanceof PostgresConnection) return connection
  throw new TypeError('a connection of another driver')
}

class PostgresConnection implements DatabaseConnection {
  readonly #pool: Pool
  readonly #life: string
  #client: PoolClient
  #isLost = false
  #isReleased = false
  /** Of the transaction under way. */
  #transaction: { id: string; life: string | null } | undefined

  constructor(pool: Pool, client: PoolClient, life: string) {
    this.#pool = pool
    this.#client = client
    this.#life = life
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    if (query.sql === 'begin') return this.#begin()
    if (query.sql === 'commit') return this.#commit()
    const mayBeRepeated = this.#transaction === undefined && SelectQueryNode.is(query.query)
    try {
      return resultOf<Row>(await this.#send(query.sql, query.parameters))
    } catch (error) {
      if (!mayBeRepeated || !this.#isLost) throw error
      this.#giveUp()
      this.#client = await connect(this.#pool)
      this.#isReleased = false
      this.#isLost = false
      return resultOf<Row>(await this.#send(query.sql, query.parameters))
    }
  }

  // biome-ignore lint/correctness/useYield: nothing here streams
  async *streamQuery<Row>(): AsyncIterableIterator<QueryResult<Row>> {
    throw new Error('queries are not streamed')
  }

  /** What tells later whether it was committed costs no round trip of its own. */
  async #begin(): Promise<QueryResult<never>> {
    const answers: unknown = await this.#send(
      `begin isolation level serializable; select pg_current_xact_id()::text as id, ${this.#life} as life`,
    )
    this.#transaction = (answers as PgResult<{ id: string; life: string | null }>[])[1]?.rows[0]
    return { rows: [] }
  }

  async #commit(): Promise<QueryResult<never>> {
    const transaction = this.#transaction
    try {
      const { command } = await this.#send('commit')
      // A transaction in which a statement failed cannot be committed: the answer says what was done.
      if (command === 'ROLLBACK') throw new Error('the transaction was rolled back')
    } catch (error) {
      if (!this.#isLost || transaction === undefined) throw error
      // Others may be asking at the same time: the pool needs its place.
      this.#giveUp()
      if (!(await wasCommitted(this.#pool, transaction))) throw error
    } finally {
      this.#transaction = undefined
    }
    return { rows: [] }
  }

  async rollback(): Promise<void> {
    this.#transaction = undefined
    if (this.#isLost) return
    // A connection that cannot even roll back is of no use to the next one.
    await this.#send('rollback').catch(() => {
      this.#isLost = true
    })
  }

  release(): void {
    if (!this.#isReleased) this.#client.release(this.#isLost)
    this.#isReleased = true
  }

  #giveUp(): void {
    this.#isLost = true
    this.release()
  }

  async #send(sql: string, parameters: readonly unknown[] = []): Promise<PgResult> {
    try {
      return await this.#client.query(sql, parameters.map(storable))
    } catch (error) {
      this.#isLost ||= isConnectionLost(error)
      throw told(error)
    }
  }
}

/** Waits for a database that is being restarted. @throws Problem `storage-unavailable` after `AWAY_MS` */
async function connect(pool: Pool): Promise<PoolClient> {
  const until = performance.now() + AWAY_MS
  for (;;) {
    try {
      return await pool.connect()
    } catch (error) {
      if (!isConnectionLost(error) || performance.now() >= until) throw told(error)
      await delay(RETRY_MS)
    }
  }
}

/**
 * Source: PostgreSQL, System Information Functions, `pg_xact_status`: known for all but very old transactions.
 *
 * @throws Problem `storage-unavailable` when nobody can say: a database that has crashed may give an id again
 */
async function wasCommitted(pool: Pool, { id, life }: { id: string; life: string | null }): Promise<boolean> {
  const until = performance.now() + AWAY_MS
  while (performance.now() < until) {
    const client = await connect(pool)
    try {
      const { rows: lives } = await client.query<{ life: string | null }>(`select (${LIFE}) as life`)
      if (life === null || lives[0]?.life !== life) {
        client.release()
        throw inDoubt()
      }
      const { rows } = await client.query<{ status: string }>('select pg_xact_status($1::xid8) as status', [
        id,
      ])
      client.release()
      if (rows[0]?.status !== 'in progress') return rows[0]?.status === 'committed'
    } catch (error) {
      if (isProblem(error)) throw error
      client.release(true)
      if (!isConnectionLost(error)) throw inDoubt()
    }
    await delay(RETRY_MS)
  }
  throw inDoubt()
}

/** Without a cause: nothing is run again. */
function inDoubt(): Problem {
  return new Problem('storage-unavailable', 'the database has crashed: whether it took this is not known', {
    retryAfterS: 5,
  })
}

function resultOf<Row>({ command, rowCount, rows }: PgResult): QueryResult<Row> {
  const isWrite = command === 'INSERT' || command === 'UPDATE' || command === 'DELETE'
  return { rows: rows ?? [], ...(isWrite ? { numAffectedRows: BigInt(rowCount ?? 0) } : {}) }
}

/** PostgreSQL's text holds every character but this one. */
function storable(value: unknown): unknown {
  return typeof value === 'string' && value.includes('\0') ? value.replaceAll('\0', '\uFFFD') : value
}
