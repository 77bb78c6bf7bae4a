import { type Command, InvalidArgumentError } from 'commander'
import { exportSave, listSaves, retrySave } from '../maintenance/saves.ts'
import { type CommonOptions, perform, withJson } from './context.ts'
import { withBlobs, withDatabase } from './data.ts'
import { examples } from './examples.ts'

/** The service looks into Document Server's forgotten store every minute while anything is at risk. */
const RETRY_WAIT_S = 90

export function addSaves(program: Command): void {
  const saves = program.command('saves').description('saves at risk: list, retry, export')

  withJson(saves.command('list'))
    .description('failed saves, forgotten files of Document Server, conflict and recovery versions')
    .addHelpText('after', examples('saves list', 'saves list --json'))
    .action((options: CommonOptions) =>
      perform(options, (context) =>
        withDatabase(context, async (database) => {
          const found = await listSaves({ database })
          context.print(linesOf(found), found)
          return true
        }),
      ),
    )

  withJson(saves.command('retry'))
    .description('ask for the bytes of a failed save once more')
    .argument('<save>', 'its id, or the key of its session')
    .option('--wait <seconds>', 'for a running service to take them', seconds, RETRY_WAIT_S)
    .addHelpText('after', examples('saves retry 019aa5c2-7d1e-7c3b-9f7e-1b2a3c4d5e6f'))
    .action((name: string, { wait, ...options }: CommonOptions & { wait: number }) =>
      perform(options, (context) =>
        withDatabase(context, async (database) => {
          // Loaded only here: the client of Document Server takes its time.
          const { recoveryDeps } = await import('./recovery-deps.ts')
          await using deps = await recoveryDeps(context, database)
          const retried = await retrySave(deps, { name, waitS: wait })
          const line = retried.isHome ? 'Nothing of it is at risk any more' : `Not yet: ${retried.reason}`
          context.print(line, retried)
          return retried.isHome
        }),
      ),
    )

  withJson(saves.command('export'))
    .description('write the stored bytes of a save, a conflict or recovery version, or any version to a file')
    .argument('<id>', 'of the save or version')
    .argument('<file>', 'a new file')
    .addHelpText('after', examples('saves export 019aa5c2-7d1e-7c3b-9f7e-1b2a3c4d5e6f rescued.docx'))
    .action((id: string, path: string, options: CommonOptions) =>
      perform(options, (context) =>
        withDatabase(context, async (database) => {
          const bytes = await withBlobs(context.config, (blobs) =>
            exportSave({ database, blobs }, { id, path }),
          )
          context.print(`Wrote ${bytes} bytes to ${path}`, { path, bytes })
          return true
        }),
      ),
    )
}

function linesOf({ atRisk, forgotten, aside }: Awaited<ReturnType<typeof listSaves>>): string[] {
  const lines = [
    ...atRisk.map(
      (save) =>
        `at risk    ${save.id}  ${save.receivedAt}  document ${save.documentId} “${save.title ?? ''}”  status ${save.status}  ${save.error}`,
    ),
    ...forgotten.map((file) => `forgotten  ${file.key}  since ${file.firstSeenAt}  ${file.reason}`),
    ...aside.map(
      (version) =>
        `${version.kind.padEnd(9)}  ${version.id}  ${version.createdAt}  document ${version.documentId} “${version.title}”, version ${version.versionNumber}`,
    ),
  ]
  return lines.length === 0 ? ['Nothing is at risk'] : lines
}

function seconds(value: string): number {
  const count = Number(value)
  if (!/^\d+$/.test(value) || count > 3600) throw new InvalidArgumentError('It is a number up to 3600.')
  return count
}
