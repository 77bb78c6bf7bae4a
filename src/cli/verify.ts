import { join } from 'node:path'
import type { Command } from 'commander'
import { DiskBlobs } from '../blobs/disk.ts'
import { demandDatabase, demandManifest, secretsOf } from '../maintenance/backup-folder.ts'
import { faultLines } from '../maintenance/blob-fault.ts'
import { demandData } from '../maintenance/places.ts'
import type { Progress } from '../maintenance/progress.ts'
import { type Verified, verify } from '../maintenance/verify.ts'
import { demandKnownSchema, openCopy, schemaVersion } from '../metadata/database.ts'
import { type CommonOptions, type Context, perform, withJson } from './context.ts'
import { blobsOf } from './data.ts'
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
async function verifyData({ config, places, progress }: Context): Promise<Verified> {
  demandData(places)
  return verifyDatabase(places.databaseFile, { blobs: blobsOf(config), progress })
}

async function verifyBackup({ progress }: Context, folder: string): Promise<Verified> {
  const manifest = await demandManifest(folder)
  demandKnownSchema(manifest.schemaVersion)
  const path = join(folder, manifest.database.name)
  await demandDatabase(manifest, path)
  if (manifest.hasSecrets) await secretsOf(folder)
  return verifyDatabase(path, { blobs: new DiskBlobs({ root: folder }), progress })
}

async function verifyDatabase(
  path: string,
  deps: { blobs: DiskBlobs; progress: Progress },
): Promise<Verified> {
  const database = openCopy(path)
  try {
    demandKnownSchema(await schemaVersion(database))
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
