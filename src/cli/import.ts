import { resolve } from 'node:path'
import type { Command } from 'commander'
import { Problem } from '../errors.ts'
import { importFolder } from '../maintenance/import.ts'
import { blobsRoot, isOnDisk } from '../maintenance/places.ts'
import { hasWorkspace } from '../metadata/api-keys.ts'
import { keyPrefix } from '../metadata/installation.ts'
import { DEFAULT_WORKSPACE_ID } from '../metadata/schema.ts'
import { type CommonOptions, perform, withJson } from './context.ts'
import { clock, openForWriting, withDatabase } from './data.ts'
import { examples } from './examples.ts'
import { workspaceId } from './keys.ts'

type Options = CommonOptions & { workspace: string }

export function addImport(program: Command): void {
  withJson(program.command('import'))
    .description('make documents of all files in a folder and below it')
    .argument('<folder>')
    .option('--workspace <id>', 'where they go, or default', workspaceId, DEFAULT_WORKSPACE_ID)
    .addHelpText(
      'after',
      `
Folders become folders of documents. What the editor cannot open, or whose name or bytes cannot be
kept, is named and left out: then the exit code is 1. Symbolic links are not followed. Run again, it
takes only what is new; a file that has changed since becomes a further document.
${examples('import ~/Documents', 'import ./handbook --workspace 019aa5c2-7d1e-7c3b-9f7e-1b2a3c4d5e6f')}`,
    )
    .action((folder: string, { workspace, ...options }: Options) =>
      perform(options, (context) =>
        withDatabase(
          context,
          async (database) => {
            const { config, progress } = context
            if (!(await hasWorkspace(database, workspace))) throw new Problem('workspace-not-found')
            const blobs = await openForWriting(config, database)
            const deps = {
              database,
              config,
              clock,
              progress,
              blobs,
              keyPrefix: await keyPrefix(database),
            }
            const leftOut = [
              resolve(config.DATA_DIR),
              ...(isOnDisk(config.BLOBS_URL) ? [blobsRoot(config.BLOBS_URL)] : []),
            ]
            const result = await importFolder(deps, { folder, workspaceId: workspace, leftOut }).finally(() =>
              blobs.close(),
            )
            const { imported, known, bytes, skipped } = result
            context.print(
              [
                ...skipped.map(({ path, reason }) => `left out: ${path}: ${reason}`),
                `Imported ${imported} documents (${bytes} bytes), ${known} were there already, ${skipped.length} left out`,
              ],
              result,
            )
            return skipped.length === 0
          },
          { mayBeNew: true },
        ),
      ),
    )
}
