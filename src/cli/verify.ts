import { join } from 'node:path'
import type { Command } from 'commander'
import { DiskBlobs } from '../blobs/disk.ts'
import { demandManifest } from '../maintenance/backup-folder.ts'
import { faultLines } from '../maintenance/blob-fault.ts'
import { type Verified, verify } from '../maintenance/verify.ts'
import { demandKnownSchema, openCopy } from '../metadata/database.ts'
import { type CommonOptions, type Context, perform, withJson } from './context.ts'
import { blobsOf, withDatabase } from './data.ts'
import { examples } from './examples.ts'

export function addVerify(program: Command): void {
  withJson(program.command('verify'))
    .description('read everything that is stored and name what is missing or damaged; changes nothing')
    .option('--backup <folder>', 'a backup instead of the data of the service')
    .addHelpText('after', examples('verify', 'verify --backup /mnt/backup/documents'))
    .action(({ backup, ...options }: CommonOptions & { backup?: string }) =>
      perform(options, async (context) => {
        const result =
          backup === undefined
            ? await withDatabase(context, (database) =>
                verify({ database, blobs: blobsOf(context.config), progress: context.progress }),
              )
            : await verifyBackup(context, backup)
        context.print(linesOf(result), result)
        return result.faults.length + result.databaseFaults.length === 0
      }),
    )
}

async function verifyBackup({ progress }: Context, folder: string): Promise<Verified> {
  const manifest = await demandManifest(folder)
  demandKnownSchema(manifest.schemaVersion)
  const database = openCopy(join(folder, manifest.database.name))
  try {
    return await verify({ database, blobs: new DiskBlobs({ root: folder }), progress })
  } finally {
    await database.destroy()
  }
}

function linesOf({ blobs, bytes, mentions, faults, databaseFaults }: Verified): string[] {
  const found = [...databaseFaults.map((fault) => `database: ${fault}`), ...faults.flatMap(faultLines)]
  const read = `${blobs} blobs (${bytes} bytes) read, ${mentions} looked up`
  return [...found, found.length === 0 ? `All is well: ${read}` : `${found.length} faults; ${read}`]
}
