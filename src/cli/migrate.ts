import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { Command } from 'commander'
import { s3Address } from '../blobs/s3-address.ts'
import { type Config, isPostgresAddress } from '../config.ts'
import { faultLines } from '../maintenance/blob-fault.ts'
import { type Destination, type Migrated, migrateInstallation } from '../maintenance/migrate.ts'
import { isOnDisk } from '../maintenance/places.ts'
import { databasePath, isSqlite } from '../metadata/database.ts'
import { type CommonOptions, perform, withJson } from './context.ts'
import { withDatabase } from './data.ts'
import { examples } from './examples.ts'

type Options = CommonOptions & { toDatabase?: string; toBlobs?: string }

export function addMigrate(program: Command): void {
  withJson(program.command('migrate'))
    .description('copy everything to PostgreSQL and S3, or back, while the service is stopped')
    .option('--to-database <url>', 'postgres://… or sqlite:…; else the database stays')
    .option('--to-blobs <url>', 's3://… or file:…; else the bytes of documents stay')
    .addHelpText(
      'after',
      `
DATABASE_URL and BLOBS_URL say where everything is now; it stays there as it is. The target is empty,
or holds an earlier copy of the same installation. Cut short, it goes on when it is run again. The
password of PostgreSQL may stand in PGPASSWORD in place of the address, the keys of S3 stand in
AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
${examples(
  "migrate --to-database postgres://docs@db.example.com/docs --to-blobs 's3://documents?region=eu-central-1'",
  'migrate --to-database sqlite:storage/metadata.sqlite --to-blobs file:storage',
)}`,
    )
    .action(async ({ toDatabase, toBlobs, ...options }: Options, command: Command) => {
      const to: Destination = { databaseUrl: toDatabase, blobsUrl: toBlobs }
      const fault = faultOf(to)
      if (fault !== undefined) command.error(`error: ${fault}`)
      await perform(options, (context) =>
        withDatabase(context, async (database) => {
          const { config, progress } = context
          const migrated = await migrateInstallation({ config, database, progress }, to)
          const settings = settingsOf(to)
          context.print(linesOf(migrated, config, to), { ...migrated, settings })
          return migrated.faults.length === 0
        }),
      )
    })
}

/** Never with the address itself: it may hold a password. */
function faultOf({ databaseUrl, blobsUrl }: Destination): string | undefined {
  if (databaseUrl === undefined && blobsUrl === undefined)
    return 'one of --to-database and --to-blobs is needed'
  if (databaseUrl !== undefined && !/^sqlite:./.test(databaseUrl)) {
    if (!isPostgresAddress(databaseUrl))
      return '--to-database must be an address like postgres://…/NAME or sqlite:…, with special characters of the password percent-encoded'
  }
  if (blobsUrl === undefined || /^file:./.test(blobsUrl)) return undefined
  if (!blobsUrl.startsWith('s3://')) return '--to-blobs must be an address like s3://… or file:…'
  try {
    s3Address(blobsUrl)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message.replace('BLOBS_URL', '--to-blobs') : String(error)
  }
}

/** What the service is to be started with. */
function settingsOf({ databaseUrl, blobsUrl }: Destination): Record<string, string> {
  return {
    ...(databaseUrl === undefined ? {} : { DATABASE_URL: withoutPassword(databaseUrl) }),
    ...(blobsUrl === undefined ? {} : { BLOBS_URL: blobsUrl }),
  }
}

function withoutPassword(url: string): string {
  if (isSqlite(url)) return url
  const parsed = new URL(url)
  if (parsed.password !== '') parsed.password = '***'
  if (parsed.searchParams.has('password')) parsed.searchParams.set('password', '***')
  return parsed.href
}

function linesOf({ rows, blobs, faults }: Migrated, config: Config, to: Destination): string[] {
  return [
    ...faults.flatMap(faultLines),
    ...(blobs === undefined
      ? []
      : [
          `Copied ${blobs.copied} blobs, ${blobs.skipped} were there already: ${
            faults.length === 0
              ? 'all that rows mention is listed'
              : 'what is named above is damaged or missing here'
          }`,
        ]),
    ...(rows === undefined ? [] : [`Copied ${rows} rows: every table is equal on both sides`]),
    'From now on start the service with',
    ...Object.entries(settingsOf(to)).map(([name, value]) => `  ${name}=${value}`),
    ...secretsLines(config, to),
    ...(rows === undefined ? [] : ['The database of before stays as it is: start no service on it any more']),
    ...(blobs === undefined ? [] : ['The blobs of before stay as they are: remove them once all is well']),
  ]
}

/** Where they stand, never what they are. */
function secretsLines(config: Config, { databaseUrl, blobsUrl }: Destination): string[] {
  const file = join(resolve(config.DATA_DIR), 'secrets.json')
  const isSet = (['ROOT_SECRET', 'ADMIN_TOKEN'] as const).filter((name) => config[name] !== undefined)
  const inFile = [
    ...(config.ROOT_SECRET === undefined ? ['ROOT_SECRET (rootSecret)'] : []),
    ...(config.ADMIN_TOKEN === undefined ? ['ADMIN_TOKEN (adminToken)'] : []),
  ]
  const isShared = !isSqlite(databaseUrl ?? config.DATABASE_URL) && !isOnDisk(blobsUrl ?? config.BLOBS_URL)
  if (isShared) {
    const stand = inFile.length === 0 ? 'as they are set now' : `${inFile.join(' and ')} as in ${file}`
    return [
      'and on several nodes also with BACKPLANE_URL=redis://…, ROOT_SECRET and ADMIN_TOKEN, the same on each:',
      `  ${stand}`,
    ]
  }
  const folder = databaseUrl === undefined || !isSqlite(databaseUrl) ? undefined : databasePath(databaseUrl)
  const isElsewhere = folder !== undefined && dirname(resolve(folder)) !== resolve(config.DATA_DIR)
  return [
    ...(config.BACKPLANE_URL === 'memory:' ? [] : ['without BACKPLANE_URL']),
    ...(isSet.length === 0 ? [] : [`and with ${isSet.join(' and ')} as now`]),
    ...(isElsewhere && inFile.length > 0 && existsSync(file)
      ? [`and with the secrets of ${file}: copy it into its DATA_DIR`]
      : []),
  ]
}
