import Sqlite from 'better-sqlite3'
import type { DatabaseConnection, Dialect, Driver } from 'kysely'
import type { FaultyCalls } from './faulty-calls.ts'

/**
 * For `Overrides.wrapDialect`: a real database whose queries fail as `calls` says, `begin` and `commit`
 * among them. A rollback never fails: SQLite's only ever does when there is nothing to roll back.
 */
export function faultyDialect(calls: FaultyCalls): (dialect: Dialect) => Dialect {
  return (dialect) => ({
    createAdapter: () => dialect.createAdapter(),
    createDriver: () => faultyDriver(dialect.createDriver(), calls),
    createIntrospector: (database) => dialect.createIntrospector(database),
    createQueryCompiler: () => dialect.createQueryCompiler(),
  })
}

function faultyDriver(driver: Driver, calls: FaultyCalls): Driver {
  const originals = new Map<DatabaseConnection, DatabaseConnection>()
  return {
    init: (options) => driver.init(options),
    async acquireConnection(options) {
      const original = await driver.acquireConnection(options)
      const faulty = faultyConnection(original, calls)
      originals.set(faulty, original)
      return faulty
    },
    // The driver sends `begin` and `commit` over the connection that it is given.
    beginTransaction: (connection, settings) => driver.beginTransaction(connection, settings),
    commitTransaction: (connection) => driver.commitTransaction(connection),
    rollbackTransaction: (connection) => driver.rollbackTransaction(originals.get(connection) ?? connection),
    async releaseConnection(connection, options) {
      const original = originals.get(connection) ?? connection
      originals.delete(connection)
      await driver.releaseConnection(original, options)
    },
    destroy: (options) => driver.destroy(options),
  }
}

function faultyConnection(connection: DatabaseConnection, calls: FaultyCalls): DatabaseConnection {
  return {
    async executeQuery(query, options) {
      const fault = calls.next(query.sql)
      // A transaction that began unnoticed could only go on in a connection that is lost anyway.
      if (fault === 'instead' || (fault !== undefined && query.sql === 'begin')) throw ioError()
      const result = await connection.executeQuery<never>(query, options)
      if (fault === 'after') throw ioError()
      return result
    },
    streamQuery: (query, chunkSize, options) => connection.streamQuery(query, chunkSize, options),
  }
}

function ioError(): Error {
  return new Sqlite.SqliteError('injected disk I/O error', 'SQLITE_IOERR')
}
