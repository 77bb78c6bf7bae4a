import type { Command } from 'commander'
import { Problem } from '../errors.ts'
import { exportDocuments } from '../maintenance/export.ts'
import { hasWorkspace } from '../metadata/api-keys.ts'
import { type CommonOptions, perform, withJson } from './context.ts'
import { withBlobs, withDatabase } from './data.ts'
import { examples } from './examples.ts'
import { workspaceId } from './keys.ts'

type Options = CommonOptions & { workspace?: string }

export function addExport(program: Command): void {
  withJson(program.command('export'))
    .description('write all documents as they are now into an empty folder')
    .argument('<folder>')
    .option('--workspace <id>', 'only this one, or default; else each has a folder of its own', workspaceId)
    .addHelpText(
      'after',
      `
Documents lie in their folders. Characters that file systems refuse become _, equal names are
numbered. What lies in the trash is left out, and so are earlier versions: a backup has them all.
${examples('export /mnt/export', 'export --workspace default ./documents')}`,
    )
    .action((folder: string, { workspace, ...options }: Options) =>
      perform(options, (context) =>
        withDatabase(context, async (database) => {
          if (workspace !== undefined && !(await hasWorkspace(database, workspace)))
            throw new Problem('workspace-not-found')
          const { config, progress } = context
          const result = await withBlobs(config, (blobs) =>
            exportDocuments({ database, blobs, progress }, { folder, workspaceId: workspace }),
          )
          const { exported, bytes, failed } = result
          context.print(
            [
              ...failed.map(
                ({ documentId, path, reason }) => `not written: document ${documentId} “${path}”: ${reason}`,
              ),
              `Exported ${exported} documents (${bytes} bytes), ${failed.length} failed`,
            ],
            result,
          )
          return failed.length === 0
        }),
      ),
    )
}
