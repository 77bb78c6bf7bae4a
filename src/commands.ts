import { Command } from 'commander'
import { createSignInLink } from './core/sign-in.ts'
import { openDatabase } from './metadata/database.ts'
import { readConfig, serve } from './serve.ts'

/** The command line. Exit 0 on success, 1 on failure, 2 on wrong usage. */
export async function runCli(argv: string[]): Promise<void> {
  const program = new Command('docs-connector')
    .description('Keeps documents and opens them in ONLYOFFICE Docs')
    .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))

  program.command('serve').description('run the service (as npm start does)').action(serve)

  program
    .command('sign-in')
    .description('print a link that signs the administrator in: once, within 10 minutes')
    .action(printSignInLink)

  program
    .command('emulate')
    .description('run the Document Server emulator alone, for development')
    .option('--port <port>', 'port on 127.0.0.1', '8080')
    .option('--secret <secret>', 'JWT secret of both sides')
    .action(emulate)

  await program.parseAsync(argv)
}

async function printSignInLink(): Promise<void> {
  const config = readConfig()
  if (config === undefined) {
    process.exitCode = 1
    return
  }
  const database = await openDatabase(config.DATABASE_URL)
  try {
    const link = await createSignInLink({ database, clock: () => new Date() })
    const base = config.PUBLIC_URL ?? `http://localhost:${config.PORT}${config.BASE_PATH}`
    process.stdout.write(`${base}/sign-in?link=${link}\n`)
  } finally {
    await database.destroy()
  }
}

async function emulate({ port, secret }: { port: string; secret?: string }): Promise<void> {
  if (process.env.NODE_ENV === 'production') {
    process.stderr.write(
      'The emulator is no substitute for Document Server: it does not run in production.\n',
    )
    process.exitCode = 1
    return
  }
  const { DEVELOPMENT_SECRET, startEmulator } = await import('./emulator/start.ts')
  const emulator = await startEmulator({ port: Number(port), secret: secret ?? DEVELOPMENT_SECRET })
  process.stdout.write(`Emulator on ${emulator.url}, JWT secret ${secret ?? DEVELOPMENT_SECRET}\n`)
}
