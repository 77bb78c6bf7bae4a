import closeWithGrace from 'close-with-grace'
import { type Config, ConfigError } from './config.ts'
import { createLogger } from './log.ts'
import { demandNoRestore } from './maintenance/places.ts'
import { readSettings } from './read-config.ts'
import { startService } from './server.ts'

/** Runs the service until SIGTERM or SIGINT; exits 1 when it cannot start. */
export async function serve(): Promise<void> {
  const config = readConfig()
  if (config === undefined) {
    process.exitCode = 1
    return
  }
  const log = createLogger(config)
  try {
    demandNoRestore(config.DATA_DIR)
    const service = await startService(config, { log })
    closeWithGrace({ delay: config.SHUTDOWN_S * 1000, logger: false }, async ({ err, signal }) => {
      if (err) log.fatal({ err }, 'stopping after an unexpected fault')
      else log.info({ signal }, 'stopping: saves in flight finish, new ones are refused')
      await service.close()
    })
    say(welcome(service.deps.config, service.url))
  } catch (error) {
    log.fatal({ err: error }, 'the service cannot start')
    // For whoever started it in a terminal: the line of the log is for machines.
    process.stderr.write(`The service cannot start: ${error instanceof Error ? error.message : error}\n`)
    process.exit(1)
  }
}

/** Also `.env` of the working directory. Undefined after every fault was named. */
export function readConfig(): Config | undefined {
  try {
    return readSettings()
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    process.stderr.write(`These settings are wrong:\n${error.message.replaceAll(/^/gm, '  ')}\n`)
    return undefined
  }
}

function say(text: string): void {
  process.stdout.write(text)
}

function welcome(config: Config, localUrl: string): string {
  const url = config.PUBLIC_URL ?? localUrl.replace('//127.0.0.1', '//localhost')
  const server = config.ONLYOFFICE_URL
    ? `  Document Server   ${config.ONLYOFFICE_URL}`
    : config.isEmulated
      ? '  Document Server   none configured: the built-in emulator stands in (set ONLYOFFICE_URL for a real one)'
      : '  Document Server   none configured: documents can be kept but not opened (set ONLYOFFICE_URL)'
  return [
    '',
    `  docs-connector    ${url}`,
    server,
    '  Sign in           npm run -s cli -- sign-in    (prints a link that works once, for 10 minutes)',
    '  First API key     see "First steps" in README.md',
    '',
    '',
  ].join('\n')
}
