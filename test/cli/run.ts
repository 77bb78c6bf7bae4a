import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { scaledEnv, scaledSettings } from '../support/scale.ts'

const CLI = fileURLToPath(new URL('../../src/cli.ts', import.meta.url))

export type CliRun = { code: number | null; stdout: string; stderr: string; json: unknown }

export type CliOptions = { dataDir: string; env?: Record<string, string>; cwd?: string }

/** The command line in a process of its own, away from the `.env` of a developer. */
export function startCli({ dataDir, env = {}, cwd = tmpdir() }: CliOptions, ...args: string[]) {
  const child: ChildProcess = spawn(process.execPath, [CLI, ...args], {
    cwd,
    env: { PATH: process.env.PATH ?? '', DATA_DIR: dataDir, ...scaledSettings(dataDir), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) child[name]?.on('data', (text) => (output[name] += text))
  const ended = once(child, 'close').then(
    ([code]): CliRun => ({ code, ...output, json: args.includes('--json') ? parsed(output) : undefined }),
  )
  return { child, ended }
}

export async function runCli(options: CliOptions, ...args: string[]): Promise<CliRun> {
  await scaledEnv(options.dataDir)
  return startCli(options, ...args).ended
}

function parsed({ stdout, stderr }: { stdout: string; stderr: string }): unknown {
  const text = stdout === '' ? stderr : stdout
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

export async function freshFolder(): Promise<
  AsyncDisposable & { path: string; at(...names: string[]): string }
> {
  const path = await mkdtemp(join(tmpdir(), 'docs-connector-cli-'))
  return {
    path,
    at: (...names) => join(path, ...names),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  }
}
