import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freshFolder, runCli } from '../cli/run.ts'
import { startApp } from '../support/app.ts'
import { type OwnPostgres, startPostgres } from '../support/postgres.ts'
import { noSwift, type Swift, startSwift } from '../support/swift.ts'
import { countBlobs, digestsOf, fillHome, homeOf, migrate, onDisk } from './migrate-scene.ts'

/** Each takes a second on an idle machine. */
const MANY_PROCESSES_MS = 240_000

describe.skipIf(noSwift() !== undefined)('S3', () => {
  let swift: Swift
  let postgres: OwnPostgres
  beforeAll(async () => {
    swift = await startSwift()
    postgres = await startPostgres()
  }, 120_000)
  afterAll(async () => {
    await swift[Symbol.asyncDispose]()
    await postgres[Symbol.asyncDispose]()
  })

  test(
    'blobs go to S3 and back, with the rows and without them',
    async () => {
      await using folder = await freshFolder()
      const home = onDisk(folder.at('data'))
      await fillHome(home, 40)
      const before = await digestsOf(home)
      const blobs = await countBlobs(home.dataDir)
      const database = `${postgres.url}/on_s3`
      await postgres.newDatabase('on_s3')
      const there = homeOf(home.dataDir, database, await swift.makeBucket('there'))
      Object.assign(home.env, swift.credentials)
      Object.assign(there.env, swift.credentials)

      const first = await runCli(home, 'migrate', '--to-blobs', there.env.BLOBS_URL ?? '', '--json')
      expect([first.code, first.json]).toMatchObject([0, { blobs: { copied: blobs, skipped: 0 } }])
      const run = await migrate(home, there)
      expect([run.code, run.stderr, run.json]).toMatchObject([
        0,
        '',
        { blobs: { copied: 0, skipped: blobs } },
      ])
      const verified = await runCli(there, 'verify', '--json')
      expect([verified.code, verified.json]).toMatchObject([0, { blobs, faults: [], databaseFaults: [] }])

      const back = onDisk(folder.at('back'))
      const returned = await migrate(there, back)
      expect([returned.code, returned.json]).toMatchObject([0, { blobs: { copied: blobs } }])
      expect(await digestsOf(back)).toEqual(before)
      expect((await runCli(back, 'verify')).code).toBe(0)
    },
    MANY_PROCESSES_MS,
  )

  test(
    'a bucket belongs to one installation, and what is wrong with one is said as the doctor says it',
    async () => {
      await using folder = await freshFolder()
      const [home, other] = [onDisk(folder.at('data')), onDisk(folder.at('other'))]
      for (const one of [home, other]) await fillHome(one, 1)
      const bucket = await swift.makeBucket('taken')
      const withKeys = { ...home, env: { ...home.env, ...swift.credentials } }
      const refusal = async (to: string, from = withKeys) => {
        const run = await runCli(from, 'migrate', '--to-blobs', to, '--json')
        expect(run.code).toBe(1)
        return run.json
      }
      expect((await runCli(withKeys, 'migrate', '--to-blobs', bucket)).code).toBe(0)
      expect(await refusal(bucket, { ...other, env: { ...other.env, ...swift.credentials } })).toMatchObject({
        code: 'target-in-use',
        detail: expect.stringContaining('blobs of another installation'),
      })
      // Its service does not start there, either.
      const service = await runCli(
        { ...other, env: { ...other.env, ...swift.credentials, BLOBS_URL: bucket, PORT: '0' } },
        'serve',
      )
      expect([service.code, service.stdout]).toEqual([
        1,
        expect.stringContaining('these are the blobs of another installation'),
      ])

      // Where a service was only tried, nothing is anybody's.
      const tried = await swift.makeBucket('tried')
      const trial = homeOf(folder.at('trial'), `sqlite:${folder.at('trial')}/metadata.sqlite`, tried)
      Object.assign(process.env, swift.credentials)
      await (await startApp(trial)).close()
      expect((await runCli(withKeys, 'migrate', '--to-blobs', tried)).code).toBe(0)
      await expect(startApp(trial)).rejects.toThrow('another installation')

      expect(await refusal(bucket.replace('taken', 'nowhere'))).toMatchObject({
        code: 'storage-failed',
        detail: expect.stringMatching(
          /NoSuchBucket.*\. Make the bucket nowhere, or name the right one in --to-blobs\.$/,
        ),
      })
      const strangers = { ...home, env: { ...withKeys.env, AWS_SECRET_ACCESS_KEY: 'another' } }
      expect(await refusal(bucket, strangers)).toMatchObject({
        detail: expect.stringMatching(/SignatureDoesNotMatch.*\. Set AWS_ACCESS_KEY_ID and/),
      })
    },
    MANY_PROCESSES_MS,
  )
})
