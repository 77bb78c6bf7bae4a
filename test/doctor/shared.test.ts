import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Config } from '../../src/config.ts'
import { CHECKS } from '../../src/doctor/check.ts'
import { openDoctor } from '../../src/doctor/command.ts'
import { jsonReport } from '../../src/doctor/report.ts'
import { type Diagnosis, runDoctor } from '../../src/doctor/run-doctor.ts'
import { type OwnPostgres, startPostgres } from '../support/postgres.ts'
import { isRedisInstalled, startRedis, type TestRedis } from '../support/redis.ts'
import { query } from '../support/scale.ts'
import { noSwift, type Swift, startSwift } from '../support/swift.ts'
import { expectOnly, type Scene, startScene } from './support.ts'

const RIGHT = 'right-password-of-the-tests'
const WRONG = 'wrong-password-of-the-tests'
/** Shorter than usual, and yet enough for what does answer on a busy machine. */
const LIMITS = { requestMs: 8000, conversionMs: 30_000, checkMs: 5000 }

describe.skipIf(!isRedisInstalled || noSwift() !== undefined)('on PostgreSQL, S3 and Redis', () => {
  const started = new AsyncDisposableStack()
  let postgres: OwnPostgres
  let swift: Swift
  let redis: TestRedis
  let scene: Scene

  beforeAll(async () => {
    postgres = started.use(await startPostgres())
    await preparePostgres(postgres)
    swift = started.use(await startSwift())
    stubCredentials()
    redis = started.use(await startRedis())
    await addUser(redis)
    const env = {
      DATABASE_URL: at(postgres.url, 'docs', RIGHT, '/docs'),
      BLOBS_URL: await swift.makeBucket('docs'),
      BACKPLANE_URL: at(redis.url, 'docs', RIGHT),
      ROOT_SECRET: 'tests-root-secret-0123456789-0123456789',
    }
    scene = started.use(await startScene({ env: () => env, limits: LIMITS }))
  }, 120_000)
  afterAll(async () => {
    await started.disposeAsync()
    vi.unstubAllEnvs()
  })
  afterEach(stubCredentials)

  function stubCredentials(): void {
    for (const [name, value] of Object.entries(swift.credentials)) vi.stubEnv(name, value)
  }

  /** A doctor with other settings than the service. */
  async function diagnoseWith(changes: Partial<Config>): Promise<Diagnosis> {
    const { config } = scene.app.deps
    await using doctor = await openDoctor({ ...config, ...changes }, Number(new URL(scene.app.url).port))
    return runDoctor({ ...doctor.parts, limits: LIMITS })
  }

  /** What is not well with other settings, in the shape that is compared. */
  function changed(changes: Partial<Config>): Pick<Scene, 'troubles'> {
    return {
      async troubles() {
        const diagnosis = await diagnoseWith(changes)
        const found = diagnosis.checks.filter(({ result }) => result !== 'ok')
        return {
          troubles: found.map(({ id, leg, result }) => `${result} ${id} (${leg})`),
          fix: found.map(({ fix }) => fix).join('\n'),
          diagnosis,
        }
      },
    }
  }

  async function expectOneTrouble(changes: Partial<Config>, id: string, ...named: (string | RegExp)[]) {
    const diagnosis = await expectOnly(changed(changes), `fail ${id} (service)`, ...named)
    for (const password of [RIGHT, WRONG]) expect(jsonReport(diagnosis)).not.toContain(password)
    return diagnosis.checks.find((check) => check.id === id)?.evidence
  }

  test('nothing is wrong, and what the nodes share is listed', async () => {
    const { ok, checks } = await scene.diagnose()
    expect(checks.filter(({ result, because }) => result !== 'ok' || because !== undefined)).toEqual([])
    expect(ok).toBe(true)
    expect(checks.map(({ id }) => id)).toEqual(Object.keys(CHECKS))
    expect(checks.find(({ id }) => id === 'blobs')?.evidence).toContain(swift.endpoint)
    expect(checks.find(({ id }) => id === 'backplane')?.evidence).toContain(`127.0.0.1:${redis.port}`)
  })

  test('nothing of a look stays in the bucket', async () => {
    await scene.diagnose()
    const bucket = await import('@aws-sdk/client-s3')
    const { endpoint, region } = swift
    const client = new bucket.S3Client({ endpoint, region, forcePathStyle: true })
    const { Contents = [] } = await client.send(new bucket.ListObjectsV2Command({ Bucket: 'docs' }))
    client.destroy()
    expect(Contents.map(({ Key }) => Key)).toEqual(['installation'])
  })

  test.each([
    ['a wrong password', () => at(postgres.url, 'docs', WRONG, '/docs'), 'password in DATABASE_URL'],
    ['no password', () => at(postgres.url, 'docs', '', '/docs'), 'password in DATABASE_URL'],
    ['a database that is not there', () => at(postgres.url, 'docs', RIGHT, '/other'), 'Make the database'],
    ['an empty one', () => at(postgres.url, 'docs', RIGHT, '/empty'), 'that it works on'],
    ['a user without rights', () => at(postgres.url, 'guest', RIGHT, '/docs'), 'the owner of the database'],
    ['a closed port', () => at('postgres://127.0.0.1:1', 'docs', RIGHT, '/docs'), 'Start PostgreSQL'],
    ['a wrong host', () => at('postgres://nowhere.invalid', 'docs', RIGHT, '/docs'), 'Correct the host'],
    ['TLS where there is none', () => at(postgres.url, 'docs', RIGHT, '/docs?sslmode=require'), 'sslmode'],
    ['a password as it is', () => at(postgres.url, 'docs', `${RIGHT}/#`, '/docs'), 'percent-encoded'],
  ])('PostgreSQL, %s: that alone is told', async (_name, url, fix) => {
    await expectOneTrouble({ DATABASE_URL: url() }, 'database', fix)
  })

  test.each([
    ['WRONG', () => at(redis.url, 'docs', WRONG), 'password in BACKPLANE_URL'],
    ['a user who may not', () => at(redis.url, 'guest', RIGHT), 'begin with docs-connector:'],
    ['a closed port', () => at('redis://127.0.0.1:1', 'docs', RIGHT), 'Start Redis'],
    ['a wrong host', () => at('redis://nowhere.invalid', 'docs', RIGHT), 'Correct the host'],
    ['a database it has not', () => at(redis.url, 'docs', RIGHT, '/99'), 'number of the database'],
  ])('Redis, %s: that alone is told', async (_name, url, fix) => {
    await expectOneTrouble({ BACKPLANE_URL: url() }, 'backplane', fix)
  })

  test.each([
    [
      'a bucket that is not there',
      (url: string) => url.replace('//docs', '//other'),
      'Make the bucket other',
    ],
    ['a closed port', () => 's3://docs?endpoint=http://127.0.0.1:1', 'Start S3'],
    ['a wrong host', () => 's3://docs?endpoint=http://nowhere.invalid', 'Correct the host'],
    ['something else that answers', () => `s3://docs?endpoint=${scene.docServer.url}`, 'endpoint='],
    ['no address', () => 's3://docs?password=hush', /^Write BLOBS_URL/],
  ])('S3, %s: that alone is told', async (_name, url, fix) => {
    const { BLOBS_URL } = scene.app.deps.config
    await expectOneTrouble({ BLOBS_URL: url(BLOBS_URL) }, 'blobs', fix)
  })

  test.each([
    ['a wrong secret', { AWS_SECRET_ACCESS_KEY: WRONG }],
    ['an unknown user', { AWS_ACCESS_KEY_ID: 'nobody' }],
  ])('S3, %s: that alone is told', async (_name, env) => {
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
    await expectOneTrouble({}, 'blobs', 'AWS_SECRET_ACCESS_KEY')
  })

  test('Redis that says nothing any more, and Redis that is gone', async () => {
    redis.pause()
    expect(await expectOneTrouble({}, 'backplane', 'Start Redis')).toContain('no answer came in time')
    redis.resume()
    await redis.kill()
    expect(await expectOneTrouble({}, 'backplane', 'Start Redis')).toContain('ECONNREFUSED')
    await redis.start()
    await addUser(redis)
    await expect.poll(async () => (await scene.diagnose()).ok).toBe(true)
  })

  test('S3 that says nothing any more, and S3 that is gone', async () => {
    swift.pause()
    expect(await expectOneTrouble({}, 'blobs', 'Start S3')).toContain('no answer came in time')
    await swift.resume()
    await swift.refuse()
    expect(await expectOneTrouble({}, 'blobs', 'Start S3')).toContain('ECONNREFUSED')
    await swift.resume()
    expect((await scene.diagnose()).ok).toBe(true)
  })

  test('PostgreSQL that is gone: the doctor of the service and that of a terminal say so', async () => {
    await postgres.kill()
    const evidence = await expectOneTrouble({}, 'database', 'Start PostgreSQL')
    expect(evidence).toContain(`${new URL(postgres.url).host}: there is no connection (ECONNREFUSED)`)
    await expectOnly(scene, 'fail database (service)', 'Start PostgreSQL')
    await postgres.start()
    expect((await scene.diagnose()).ok).toBe(true)
  })
})

/** Two users with passwords, a database of the first one, and one without tables. */
async function preparePostgres({ url }: OwnPostgres): Promise<void> {
  const ask = (sql: string) => query(`${url}/postgres`, sql)
  await ask(`create role docs login password '${RIGHT}'`)
  await ask(`create role guest login password '${RIGHT}'`)
  await ask('create database docs owner docs')
  await ask('create database empty owner docs')
  const { rows } = await ask('show hba_file')
  const lines = ['docs', 'guest'].map((user) => `('host all ${user} 127.0.0.1/32 scram-sha-256')`)
  await ask(
    `copy (values ${lines.join(', ')}, ('host all all 127.0.0.1/32 trust')) to '${rows[0]?.hba_file}'`,
  )
  await ask('select pg_reload_conf()')
}

/** One with what the service needs, one without. */
async function addUser({ url }: TestRedis): Promise<void> {
  const client = new Redis(url)
  await client.call(
    'ACL',
    'SETUSER',
    'docs',
    'on',
    `>${RIGHT}`,
    '~docs-connector:*',
    '&docs-connector:*',
    '+@all',
  )
  await client.call('ACL', 'SETUSER', 'guest', 'on', `>${RIGHT}`, '+ping')
  client.disconnect()
}

/** With user and password, not encoded. */
function at(url: string, user: string, password: string, rest = ''): string {
  const [scheme = '', place = ''] = url.split('//')
  return `${scheme}//${user}:${password}@${place.replace(/^.*@/, '')}${rest}`
}
