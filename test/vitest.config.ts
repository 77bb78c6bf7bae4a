import { configDefaults, defineConfig } from 'vitest/config'

/** They change what a whole process shares (certificates, its environment, modules, outgoing calls), or measure its memory. */
const ALONE = [
  'test/api/timing.test.ts',
  'test/contracts/blobs-disk.test.ts',
  'test/contracts/blobs-s3.test.ts',
  'test/contracts/blobs-s3-deletions.test.ts',
  'test/contracts/blobs-s3-faults.test.ts',
  'test/conversions/document-server.test.ts',
  'test/conversions/huge.test.ts',
  'test/conversions/limits.test.ts',
  'test/docserver/client.test.ts',
  'test/doctor/command.test.ts',
  'test/help/balancer.test.ts',
  'test/help/proxies.test.ts',
  'test/nodes/**/*.test.ts',
]

/** A browser on a busy machine may miss its time; what is wrong in a page is wrong twice. */
const IN_BROWSERS = ['test/pages/**/*.test.ts', 'test/emulator/**/*.test.ts', 'test/sdk/**/*.test.ts']

/** About the files of SQLite and of blobs on a disk. */
const OF_ONE_MACHINE = [
  'test/cli/{earlier-schema,keys,output}.test.ts',
  'test/contracts/**',
  'test/core/migrations.test.ts',
  'test/crash/**',
  'test/core/organising-migration.test.ts',
  'test/maintenance/{backup,backup-damage,migrate,restore,verify}*.test.ts',
  'test/saves/durable-order.test.ts',
]
/** About the engines that nodes share, on servers of their own: `npm run test:engines`. */
const OF_SHARED_ENGINES = [
  'test/cli/engines.test.ts',
  'test/contracts/{backplane-redis,blobs-s3,blobs-s3-deletions,blobs-s3-faults,rows-postgres}.test.ts',
  'test/doctor/shared.test.ts',
  'test/maintenance/migrate*.test.ts',
]
const isScaled = process.env.SCALE !== undefined
/** Six servers and two nodes want the machine for themselves: they have a run of their own. */
const OF_SEVERAL_NODES = process.env.NODES === undefined ? ['test/nodes/**'] : []

const LEFT_OUT = [
  ...configDefaults.exclude,
  ...OF_SEVERAL_NODES,
  ...(isScaled ? OF_ONE_MACHINE : []),
  ...(process.env.ENGINES === undefined ? OF_SHARED_ENGINES : []),
]

// Nothing of ours lives in modules, and loading them anew for each file took as long as the tests.
const isolate = false

export default defineConfig({
  root: new URL('..', import.meta.url).pathname,
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // More than cores: tests mostly wait, for fsyncs, timers, browsers and converters.
    maxWorkers: 4,
    globalSetup: 'test/support/scale-servers.ts',
    exclude: LEFT_OUT,
    // On a machine that others use, or with four servers more on it, a test may miss its time; what is
    // wrong is wrong twice. The report names what was tried again.
    retry: isScaled || process.env.CI !== undefined ? 1 : 0,
    projects: [
      {
        extends: true,
        test: {
          name: 'shared',
          include: ['test/**/*.test.ts'],
          exclude: [...ALONE, ...IN_BROWSERS],
          isolate,
        },
      },
      { extends: true, test: { name: 'browsers', include: IN_BROWSERS, isolate, retry: 1 } },
      { extends: true, test: { name: 'alone', include: ALONE } },
    ],
    coverage: {
      provider: 'v8',
      // What loses edits when it is wrong.
      include: ['src/core/**/*.ts', 'src/docserver/**/*.ts'],
      reporter: ['text-summary', 'json-summary'],
      thresholds: { 'src/core/**': { statements: 95 }, 'src/docserver/**': { statements: 95 } },
    },
  },
})
