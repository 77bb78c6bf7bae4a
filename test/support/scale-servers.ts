import { openDatabase } from '../../src/metadata/database.ts'
import { isPostgresInstalled, type OwnPostgres, startPostgres } from './postgres.ts'
import { isRedisInstalled, startRedis, type TestRedis } from './redis.ts'
import { query, TEMPLATE } from './scale.ts'
import { noSwift, type Swift, startSwift } from './swift.ts'

export type ScaleServers = AsyncDisposable & {
  postgres: OwnPostgres
  redis: TestRedis
  swift: Swift
  /** For `scaledEnv`, and for the processes of services. */
  env: Record<string, string>
}

/** Why they cannot be started here; undefined when they can. @throws Error when REQUIRE_SERVICES=1 forbids skipping */
export function noScaleServers(): string | undefined {
  if (!isPostgresInstalled) return 'skipped: PostgreSQL is not installed'
  return isRedisInstalled ? noSwift() : 'skipped: redis-server is not installed'
}

/** PostgreSQL, Redis and S3 of the tests' own, each on a free port in a fresh folder. */
export async function startScaleServers(): Promise<ScaleServers> {
  await using started = new AsyncDisposableStack()
  const postgres = started.use(await startPostgres())
  const redis = started.use(await startRedis())
  const swift = started.use(await startSwift())
  const bucket = await swift.makeBucket('tests')
  await query(`${postgres.url}/postgres`, `create database ${TEMPLATE}`)
  await (await openDatabase(`${postgres.url}/${TEMPLATE}`)).destroy()
  const running = started.move()
  return {
    postgres,
    redis,
    swift,
    env: {
      SCALE_POSTGRES: postgres.url,
      SCALE_REDIS: redis.url,
      SCALE_S3: bucket,
      ...swift.credentials,
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

/** With `SCALE` set, all tests run on them. */
export default async function setUp(): Promise<(() => Promise<void>) | undefined> {
  // Each project of the tests calls this.
  if (process.env.SCALE === undefined || process.env.SCALE_POSTGRES !== undefined) return undefined
  const servers = await startScaleServers()
  Object.assign(process.env, servers.env)
  return async () => servers[Symbol.asyncDispose]()
}
