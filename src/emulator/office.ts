import { spawn } from 'node:child_process'
import { access, constants, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { MAX_DOWNLOAD_BYTES } from './types.ts'

const TIME_LIMIT_MS = 60_000

export type OfficeOrder = {
  from: string
  to: string
  /** Undefined: looked up on PATH. */
  program: string | undefined
  signal: AbortSignal
}

/** @returns undefined when there is no LibreOffice, or it could not convert this */
export async function convertWithOffice(source: Buffer, order: OfficeOrder): Promise<Buffer | undefined> {
  const program = order.program ?? (await findOffice())
  if (!program) return undefined
  const folder = await mkdtemp(path.join(tmpdir(), 'emulator-office-'))
  try {
    const input = path.join(folder, `source.${order.from}`)
    await writeFile(input, source)
    await run(program, officeArguments(input, folder, order), order.signal)
    // It exits with 0 without writing a file when it fails: only the output tells.
    const output = path.join(folder, 'out', `source.${order.to}`)
    const { size } = await stat(output)
    return size > 0 && size <= MAX_DOWNLOAD_BYTES ? await readFile(output) : undefined
  } catch {
    return undefined
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function officeArguments(input: string, folder: string, { from, to }: OfficeOrder): string[] {
  const profile = pathToFileURL(path.join(folder, 'profile')).href
  return [
    '--headless',
    '--norestore',
    // A profile of its own: two instances must not share one.
    `-env:UserInstallation=${profile}`,
    ...(from === 'html' ? ['--infilter=HTML (StarWriter)'] : []),
    '--convert-to',
    to,
    '--outdir',
    path.join(folder, 'out'),
    input,
  ]
}

async function run(program: string, args: string[], signal: AbortSignal): Promise<void> {
  // A process group of its own, because soffice is a script that starts the real program.
  const child = spawn(program, args, { stdio: 'ignore', detached: true })
  const kill = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    } catch {
      // It has ended by itself.
    }
  }
  const timer = setTimeout(kill, TIME_LIMIT_MS)
  signal.addEventListener('abort', kill, { once: true })
  try {
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', () => resolve())
    })
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', kill)
  }
}

async function findOffice(): Promise<string | undefined> {
  const folders = (process.env.PATH ?? '').split(path.delimiter).filter(Boolean)
  for (const folder of folders) {
    for (const name of ['soffice', 'libreoffice']) {
      const program = path.join(folder, name)
      const isThere = await access(program, constants.X_OK).then(
        () => true,
        () => false,
      )
      if (isThere) return program
    }
  }
  return undefined
}
