import { type Command, InvalidArgumentError } from 'commander'
import { Refusal } from '../maintenance/refusal.ts'
import { attempt, type CommonOptions, withJson } from './context.ts'
import { examples } from './examples.ts'

type Options = CommonOptions & { port: number; secret?: string }

export function addEmulate(program: Command): void {
  withJson(program.command('emulate'))
    .description('run the Document Server emulator alone, for development')
    .option('--port <port>', 'port on 127.0.0.1', portNumber, 8080)
    .option('--secret <secret>', 'JWT secret of both sides')
    .addHelpText('after', examples('emulate', 'emulate --port 9000'))
    .action((options: Options) => attempt(options, () => emulate(options)))
}

/** Without the settings of the service: it runs alone. */
async function emulate({ port, json = false, ...options }: Options): Promise<boolean> {
  if (process.env.NODE_ENV === 'production')
    throw new Refusal(
      'development-only',
      'the emulator is no substitute for Document Server: it does not run in production',
    )
  const { DEVELOPMENT_SECRET, startEmulator } = await import('../emulator/start.ts')
  const secret = options.secret ?? DEVELOPMENT_SECRET
  const { url } = await startEmulator({ port, secret })
  const said = json ? JSON.stringify({ url, secret }) : `Emulator on ${url}, JWT secret ${secret}`
  process.stdout.write(`${said}\n`)
  return true
}

function portNumber(value: string): number {
  const port = Number(value)
  if (!/^\d+$/.test(value) || port > 65_535) throw new InvalidArgumentError('It is a number up to 65535.')
  return port
}
