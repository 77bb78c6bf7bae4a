import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { DiskBlobs } from '../blobs/disk.ts'
import type { BlobStore } from '../core/ports.ts'
import { demandDatabase, demandManifest, secretsOf } from '../maintenance/backup-folder.ts'
import { faultLines } from '../maintenance/blob-fault.ts'
import { openAsItIs } from '../maintenance/open-as-it-is.ts'
import { demandData } from '../maintenance/places.ts'
import type { Progress } from '../maintenance/progress.ts'
import { Refusal } from '../maintenance/refusal.ts'
import { type Verified, verify } from '../maintenance/verify.ts'
import { databasePath, demandKnownSchema, isSqlite, schemaVersion } from '../metadata/database.ts'
import type { Database } from '../metadata/schema.ts'
import { openCopy } from '../metadata/sqlite.ts'
import { type CommonOptions, type Context, perform, withJson } from './context.ts'
import { withBlobs } from './data.ts'
import { examples } from './examples.ts'

export function addVerify(program: Command): void {
  withJson(program.command('verify'))
    .description('read everything that is stored and name what is missing or damaged; changes nothing')
    .option('--backup <folder>', 'a backup instead of the data of the service')
    .addHelpText('after', examples('verify', 'verify --backup /mnt/backup/documents'))
    .action(({ backup, ...options }: CommonOptions & { backup?: string }) =>
      perform(options, async (context) => {
        const result = await (backup === undefined ? verifyData(context) : verifyBackup(context, backup))
        context.print(linesOf(result), result)
        return result.faults.length + result.databaseFaults.length === 0
      }),
    )
}

/** Read only, as a copy is: the schema of an earlier release stays as it is. */
async function verifyData({ config, progress }: Context): Promise<Verified> {
  const { DATABASE_URL } = config
  if (isSqlite(DATABASE_URL)) demandData({ databaseFile: resolve(databasePath(DATABASE_URL)) })
  return withBlobs(config, async (blobs) =>
    verifyDatabase(await openAsItIs(DATABASE_URL), { blobs, progress }),
  )
}

async function verifyBackup({ progress }: Context, folder: string): Promise<Verified> {
  const manifest = await demandManifest(folder)
  demandKnownSchema(manifest.schemaVersion)
  const path = join(folder, manifest.database.name)
  await demandDatabase(manifest, path)
  if (manifest.hasSecrets) await secretsOf(folder)
  return verifyDatabase(openCopy(path), { blobs: new DiskBlobs({ root: folder }), progress })
}

async function verifyDatabase(
  database: Database,
  deps: { blobs: BlobStore; progress: Progress },
): Promise<Verified> {
  try {
    const version = await schemaVersion(database)
    demandKnownSchema(version)
    if (version === undefined)
      throw new Refusal('data-missing', 'there is nothing in this database: is DATABASE_URL right?')
    return await verify({ ...deps, database })
  } finally {
    await database.destroy()
  }
}

function linesOf({ blobs, bytes, mentions, faults, databaseFaults }: Verified): string[] {
  const found = [...databaseFaults.map((fault) => `database: ${fault}`), ...faults.flatMap(faultLines)]
  const read = `${blobs} blobs (${bytes} bytes) read, ${mentions} looked up`
  return [...found, found.length === 0 ? `All is well: ${read}` : `${found.length} faults; ${read}`]
}
