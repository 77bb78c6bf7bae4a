import { Command } from 'commander'
import { addBackup } from './backup.ts'
import { addDoctor } from './doctor.ts'
import { addEmulate } from './emulate.ts'
import { addExport } from './export.ts'
import { addImport } from './import.ts'
import { addKeys } from './keys.ts'
import { addMigrate } from './migrate.ts'
import { addRestore } from './restore.ts'
import { addSaves } from './saves.ts'
import { addServe } from './serve.ts'
import { addSignIn } from './sign-in.ts'
import { addVerify } from './verify.ts'

/** The command line. Exit 0: done. 1: failed, or something is wrong. 2: wrong usage. */
export async function runCli(argv: string[]): Promise<void> {
  const isJson = argv.includes('--json')
  for (const stream of [process.stdout, process.stderr]) stream.on('error', unlessUnread)
  const program = new Command('docs-connector')
    .description('Keeps documents and opens them in ONLYOFFICE Docs')
    .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
    .configureOutput({
      outputError(text, write) {
        // A mistyped option is named with its value.
        const told = text.replaceAll(/:\/\/[^\s/]*@/g, '://***@')
        write(isJson ? `${JSON.stringify(wrongUsage(told.trim()))}\n` : told)
      },
    })
    .addHelpText(
      'after',
      `
Settings come from the environment and from .env, as for the service.

Exit codes: 0 done, 1 failed or something is wrong, 2 wrong usage.

Examples:
  $ npm run -s cli -- sign-in
  $ npm run -s cli -- backup /mnt/backup/documents
  $ npm run -s cli -- verify --json`,
    )

  const adders = [
    addServe,
    addSignIn,
    addDoctor,
    addKeys,
    addSaves,
    addVerify,
    addBackup,
    addRestore,
    addMigrate,
    addImport,
    addExport,
    addEmulate,
  ]
  for (const add of adders) add(program)
  await program.parseAsync(argv)
}

/** Who reads (`| head`) may leave first: the work and its exit code stay what they are. */
function unlessUnread(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error
}

function wrongUsage(text: string) {
  const detail = text.replace(/^error: /, '')
  return { type: 'urn:docs-connector:problem:usage-wrong', title: 'Wrong usage', code: 'usage-wrong', detail }
}
