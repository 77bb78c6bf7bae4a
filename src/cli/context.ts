import { resolve } from 'node:path'
import { type Command, Option } from 'commander'
import { codeOf } from '../blobs/file-bytes.ts'
import { type Config, ConfigError } from '../config.ts'
import { isProblem } from '../errors.ts'
import { demandNoRestore } from '../maintenance/places.ts'
import { NO_PROGRESS, type Progress, terminalProgress } from '../maintenance/progress.ts'
import { isDatabaseDamaged, isDiskFull, isOfSqlite, Refusal } from '../maintenance/refusal.ts'
import { printable } from '../maintenance/source-files.ts'
import { NewerSchemaError } from '../metadata/database.ts'
import { readSettings } from '../read-config.ts'

/** What every command works with. */
export type Context = {
  config: Config
  /** On the terminal, if there is one. */
  progress: Progress
  /** One or the other: lines for people, or one JSON value. */
  print(lines: string | readonly string[], json: unknown): void
}

export type CommonOptions = { json?: boolean }

export function withJson(command: Command): Command {
  return command.addOption(new Option('--json', 'print JSON, for programs; errors as JSON on stderr'))
}

/**
 * Runs a command and sets the exit code: 0 done, 1 failed or something is wrong.
 *
 * @param work false: something is wrong, and it has said what
 */
export async function perform(
  options: CommonOptions,
  work: (context: Context) => Promise<boolean>,
  { isRestoring = false } = {},
): Promise<void> {
  const { json: isJson = false } = options
  await attempt(options, async () => {
    const config = readSettings()
    if (!isRestoring) demandNoRestore(resolve(config.DATA_DIR))
    const progress = process.stderr.isTTY && !isJson ? terminalProgress(process.stderr) : NO_PROGRESS
    try {
      return await work({ config, progress, print: (...what) => print(isJson, ...what) })
    } catch (error) {
      // What went wrong begins on a line of its own.
      progress.end()
      throw error
    }
  })
}

/** The same for a command that needs no settings. */
export async function attempt(
  { json: isJson = false }: CommonOptions,
  work: () => Promise<boolean>,
): Promise<void> {
  try {
    if (!(await work())) process.exitCode = 1
  } catch (thrown) {
    const error = expected(thrown)
    process.stderr.write(isJson ? `${JSON.stringify(described(error))}\n` : `${textOf(error)}\n`)
    process.exitCode = 1
  }
}

/** What a disk does, in words for its operator. */
function expected(error: unknown): unknown {
  if (error instanceof Refusal) return error
  if (isDiskFull(error))
    return new Refusal('disk-full', 'the disk is full. Make room and run the command again: it goes on', {
      cause: error,
    })
  if (isDatabaseDamaged(error))
    return new Refusal('database-damaged', `the database is damaged (${error.message}): restore a backup`, {
      cause: error,
    })
  return error
}

function print(isJson: boolean, lines: string | readonly string[], json: unknown): void {
  const text = isJson ? JSON.stringify(json) : [lines].flat().map(printable).join('\n')
  if (text !== '') process.stdout.write(`${text}\n`)
}

/** An error as REST would tell it. Source: RFC 9457. */
function described(error: unknown) {
  const code = codeOfError(error)
  const detail = error instanceof Error ? error.message : String(error)
  const title = isProblem(error) ? error.title : detail
  return { type: `urn:docs-connector:problem:${code}`, title, code, detail }
}

function codeOfError(error: unknown): string {
  if (isProblem(error) || error instanceof Refusal) return error.code
  if (error instanceof ConfigError) return 'settings-wrong'
  return error instanceof NewerSchemaError ? 'schema-newer' : 'internal'
}

function textOf(error: unknown): string {
  if (error instanceof ConfigError)
    return `These settings are wrong:\n${error.message.replaceAll(/^/gm, '  ')}`
  const isExpected = isProblem(error) || error instanceof Refusal || error instanceof NewerSchemaError
  if (isExpected || codeOf(error) !== undefined || isOfSqlite(error))
    return `error: ${(error as Error).message}`
  return `error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`
}
