import type { Command } from 'commander'
import { backUp } from '../maintenance/backup.ts'
import { faultLines } from '../maintenance/blob-fault.ts'
import { placesOf } from '../maintenance/places.ts'
import { type CommonOptions, perform, withJson } from './context.ts'
import { clock } from './data.ts'
import { examples } from './examples.ts'

const INSTEAD =
  "use pg_dump and your bucket's own copies, or `migrate --to-database sqlite:… --to-blobs file:…` into a folder"

export function addBackup(program: Command): void {
  withJson(program.command('backup'))
    .description('copy everything into a folder while the service runs')
    .argument('<folder>', 'of an earlier backup to bring up to date, or a new one')
    .addHelpText(
      'after',
      `
The folder holds the database, the bytes of all documents and secrets.json: whoever
reads it can read everything and sign in. Run again, it only adds what is new. A backup
without manifest.json is unfinished; running it again finishes it.
${examples('backup /mnt/backup/documents', 'backup --json /mnt/backup/documents')}`,
    )
    .action((folder: string, options: CommonOptions) =>
      perform(options, async ({ config, progress, print }) => {
        const places = placesOf(config, INSTEAD)
        const { manifest, copied, skipped, faults } = await backUp({ places, clock, progress }, folder)
        const { documents, versions, blobs, blobBytes } = manifest.counts
        print(
          [
            ...faults.flatMap(faultLines),
            `Backed up ${documents} documents with ${versions} versions: ${blobs} blobs, ${blobBytes} bytes (${copied} copied, ${skipped} there already)`,
            manifest.hasSecrets
              ? 'secrets.json is in it: keep the folder to yourself'
              : 'Without secrets: they stand in the environment of the service (ROOT_SECRET, ADMIN_TOKEN)',
          ],
          { folder, manifest, copied, skipped, faults },
        )
        return faults.length === 0
      }),
    )
}
