import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { atLeast, below, type Result } from './results.ts'
import { interleaved } from './rounds.ts'
import { temporaryFolder } from './service.ts'

const run = promisify(execFile)
const CLI = fileURLToPath(new URL('../../src/cli.ts', import.meta.url))

const DOCUMENTS = 10_000
const FOLDERS = 100
/** Of one document: what letters and small sheets have. */
const BYTES = 30_000
const MOST_IMPORT_S = 60

/**
 * The commands as they ship, start of Node included. A backup is beside `cp -r` of the data folder,
 * and beside `cp -r` whose bytes are brought to disk as well: that is what a backup promises.
 */
export async function maintenance(): Promise<Result[]> {
  await using folder = await temporaryFolder()
  const source = join(folder.path, 'source')
  const dataDir = join(folder.path, 'data')
  await makeFiles(source)
  const importing = await seconds(() => cli(dataDir, 'import', source))

  const copies = async (command: (target: string) => Promise<unknown>) => {
    const target = join(folder.path, 'copy')
    const elapsed = await seconds(() => command(target))
    await rm(target, { recursive: true })
    // What was removed is settled before the next one is measured.
    await run('sync', ['-f', folder.path])
    return (DOCUMENTS * BYTES) / 1e6 / elapsed
  }
  const backup = () => copies((target) => cli(dataDir, 'backup', target))
  const cp = (target: string) => run('cp', ['-r', dataDir, target])
  const besideCp = await interleaved(backup, () => copies(cp))
  const besideDurableCp = await interleaved(backup, () =>
    copies(async (target) => {
      await cp(target)
      await run('sync', ['-f', target])
    }),
  )
  return [
    below('import of 10,000 files of 30 KB, s', { ours: importing }, MOST_IMPORT_S),
    atLeast('backup of 10,000 documents of 30 KB, MB/s, beside cp -r', besideCp, 0.5),
    atLeast('backup of 10,000 documents of 30 KB, MB/s, beside cp -r and sync', besideDurableCp, 0.5),
  ]
}

async function makeFiles(folder: string): Promise<void> {
  for (let number = 0; number < FOLDERS; number++) {
    const below = join(folder, `folder ${number}`)
    await mkdir(below, { recursive: true })
    for (let file = 0; file < DOCUMENTS / FOLDERS; file++) {
      await writeFile(join(below, `note ${file}.txt`), randomBytes(BYTES / 2).toString('hex'))
    }
  }
}

function cli(dataDir: string, ...args: string[]): Promise<unknown> {
  const env = { PATH: process.env.PATH, NODE_ENV: 'production', DATA_DIR: dataDir }
  return run(process.execPath, [CLI, ...args], { env })
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work()
  return (performance.now() - started) / 1000
}
