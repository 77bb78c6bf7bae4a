import type { Command } from 'commander'
import { faultLines } from '../maintenance/blob-fault.ts'
import { placesOf } from '../maintenance/places.ts'
import { restore } from '../maintenance/restore.ts'
import { type CommonOptions, perform, withJson } from './context.ts'
import { examples } from './examples.ts'

const INSTEAD = 'unset them, restore into an empty data folder, and `migrate` from there'

export function addRestore(program: Command): void {
  withJson(program.command('restore'))
    .description('put a backup into the empty data folder of a service that does not run')
    .argument('<folder>', 'of the backup')
    .addHelpText(
      'after',
      `
Every blob is compared with its address on the way. Cut short, it goes on when it is run again.
${examples('restore /mnt/backup/documents')}`,
    )
    .action((folder: string, options: CommonOptions) =>
      perform(
        options,
        async ({ config, progress, print }) => {
          const places = placesOf(config, INSTEAD)
          const { manifest, restored, faults } = await restore({ places, progress }, folder)
          print(
            [
              ...faults.flatMap(faultLines),
              `Restored ${manifest.counts.documents} documents as of ${manifest.createdAt}: ${restored} blobs`,
              ...(manifest.hasSecrets
                ? []
                : ['The backup has no secrets: set ROOT_SECRET and ADMIN_TOKEN as they were']),
            ],
            { manifest, restored, faults },
          )
          return faults.length === 0
        },
        { isRestoring: true },
      ),
    )
}
