import { afterAll, beforeAll, describe } from 'vitest'
import { openDatabase } from '../../src/metadata/database.ts'
import { rowsOver } from '../core/document-rows.ts'
import { isPostgresInstalled, type OwnPostgres, startPostgres } from '../support/postgres.ts'
import { rowsContract } from './rows.ts'

describe.skipIf(!isPostgresInstalled)('on PostgreSQL (left out where it is not installed)', () => {
  let postgres: OwnPostgres
  let databases = 0
  beforeAll(async () => {
    postgres = await startPostgres()
  })
  afterAll(() => postgres?.[Symbol.asyncDispose]())

  rowsContract(async () => {
    databases += 1
    const url = await postgres.newDatabase(`rows_${databases}`)
    await using opened = new AsyncDisposableStack()
    const rows = opened.use(await rowsOver(url))
    const other = await openDatabase(url)
    opened.defer(() => other.destroy())
    const running = opened.move()
    return { rows, other, [Symbol.asyncDispose]: () => running.disposeAsync() }
  })
})
