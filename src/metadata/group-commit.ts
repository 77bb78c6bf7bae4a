import { setImmediate as nextTurn } from 'node:timers/promises'
import { sql } from 'kysely'
import { mustRunAgain } from './postgres-errors.ts'
import type { Database, Tx } from './schema.ts'

/** What one transaction takes at most, so that nobody waits long for others. */
const MOST_AT_ONCE = 64

type Waiting = {
  work: (tx: Tx) => Promise<unknown>
  resolve: (value: unknown) => void
  reject: (error: unknown) => void
}

/**
 * Commits what arrives while another commit is under way together: a durable commit costs the same
 * for one piece of work as for sixty. Each piece has a savepoint of its own, so that one that fails
 * takes nothing of the others along.
 */
export class GroupCommit {
  readonly #database: Database
  #waiting: Waiting[] = []
  #isRunning = false

  constructor(database: Database) {
    this.#database = database
  }

  /** Resolves when the work is durable; rejects with its error, or that of the commit. */
  run<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    this.#waiting.push({ work, resolve, reject })
    void this.#drain()
    return promise as Promise<T>
  }

  async #drain(): Promise<void> {
    if (this.#isRunning) return
    this.#isRunning = true
    while (this.#waiting.length > 0) {
      // What is ready in this turn of the event loop comes along.
      await nextTurn()
      await this.#commit(this.#waiting.splice(0, MOST_AT_ONCE))
    }
    this.#isRunning = false
  }

  async #commit(batch: Waiting[]): Promise<void> {
    let answers: (() => void)[] = []
    try {
      await this.#database.transaction().execute(async (tx) => {
        // It may run more than once: see postgres.ts.
        answers = []
        for (const one of batch) answers.push(await attempt(tx, one, batch.length > 1))
      })
      for (const answer of answers) answer()
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }
}

/** @returns tells the outcome, which counts only after the commit */
async function attempt(
  tx: Tx,
  { work, resolve, reject }: Waiting,
  isOneOfMany: boolean,
): Promise<() => void> {
  if (!isOneOfMany) {
    const value = await work(tx)
    return () => resolve(value)
  }
  await sql`savepoint work`.execute(tx)
  try {
    const value = await work(tx)
    await sql`release savepoint work`.execute(tx)
    return () => resolve(value)
  } catch (error) {
    if (mustRunAgain(error)) throw error
    await sql`rollback to savepoint work`.execute(tx)
    await sql`release savepoint work`.execute(tx)
    return () => reject(error)
  }
}
