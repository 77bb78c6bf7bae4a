import { execFile } from 'node:child_process'
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { pino } from 'pino'
import { DiskBlobs } from '../../src/blobs/disk.ts'
import { loadConfig } from '../../src/config.ts'
import { type ConversionDeps, createKnownConversions } from '../../src/core/conversions.ts'
import type { Converter } from '../../src/core/converter-port.ts'
import type { DocServer } from '../../src/core/ports.ts'
import { isProblem, type Problem } from '../../src/errors.ts'
import { LibreOffice, type LibreOfficeOptions } from '../../src/libreoffice/libreoffice.ts'

const run = promisify(execFile)

/** Every file ends within 30 s; the rest is for a machine that has other things to do. */
export const LONGEST_S = 45

export type TestFolder = AsyncDisposable & { path: string }

export async function freshFolder(): Promise<TestFolder> {
  const path = await mkdtemp(join(tmpdir(), 'conversions-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

export type TestOffice = AsyncDisposable & { office: LibreOffice; folder: string }

/** LibreOffice over a folder of its own; by default the one that is installed. */
export async function openOffice(options: Partial<LibreOfficeOptions> = {}): Promise<TestOffice> {
  const root = await freshFolder()
  const folder = join(root.path, 'work')
  const office = await LibreOffice.open({ searchPath: process.env.PATH ?? '', folder, ...options })
  return {
    office,
    folder,
    async [Symbol.asyncDispose]() {
      await office.close()
      await root[Symbol.asyncDispose]()
    },
  }
}

/** A program in LibreOffice's place. `$OUT` is the file that it should write, `$IN` the one to read. */
export async function standIn(script: string): Promise<TestFolder> {
  const folder = await freshFolder()
  const program = join(folder.path, 'soffice')
  await writeFile(
    program,
    `#!/bin/sh
while [ $# -gt 1 ]; do
  case "$1" in --convert-to) TO="\${2%%:*}";; --outdir) DIR="$2";; esac
  shift
done
IN="$1"; OUT="$DIR/source.$TO"; mkdir -p "$DIR"
${script}
`,
  )
  await chmod(program, 0o755)
  return folder
}

/** A search path that finds the stand-in and the tools that its script uses. */
export function searchPathOf({ path }: TestFolder): string {
  return `${path}:/usr/bin:/bin`
}

export async function convertBytes(
  office: LibreOffice,
  bytes: Buffer,
  { from, to }: { from: string; to: string },
): Promise<Buffer> {
  return office.convert({ from, to, open: async () => Readable.from([bytes]) }, async (result) =>
    Buffer.concat(await Array.fromAsync(result)),
  )
}

export type TestDeps = AsyncDisposable & {
  deps: ConversionDeps
  /** Stores bytes as the content of a version. */
  version(
    bytes: Buffer,
    fileType: string,
  ): Promise<{ id: string; sha256: string; size: number; file_type: string }>
  read(sha256: string): Promise<Buffer>
}

export async function testDeps({
  docServer,
  converter,
}: {
  docServer?: DocServer
  converter: Converter
}): Promise<TestDeps> {
  const folder = await freshFolder()
  const blobs = await DiskBlobs.open({ root: folder.path })
  return {
    deps: {
      blobs,
      config: loadConfig({ NODE_ENV: 'test', DATA_DIR: folder.path }),
      docServer,
      isDocServerHealthy: async () => docServer !== undefined && (await docServer.isHealthy()),
      keyPrefix: 'testpref',
      log: pino({ level: 'silent' }),
      converter,
      knownConversions: createKnownConversions(),
    },
    async version(bytes, fileType) {
      return {
        id: 'version-1',
        ...(await blobs.put(Readable.from([bytes]), { maxBytes: 1e9 })),
        file_type: fileType,
      }
    },
    read: async (sha256) => Buffer.concat(await Array.fromAsync(await blobs.get(sha256))),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  }
}

export async function problemOf(asked: Promise<unknown>): Promise<Problem> {
  const error: unknown = await asked.then(
    () => undefined,
    (caught: unknown) => caught,
  )
  if (!isProblem(error)) throw new Error(`no problem but ${String(error)}`, { cause: error })
  return error
}

/** Command lines of the processes that were started with this text in it. */
export async function processesWith(text: string): Promise<string[]> {
  const found: string[] = []
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    if (command.includes(text)) found.push(command.replaceAll('\0', ' '))
  }
  return found
}

export async function filesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => [])
}

/** Two workers, as many as LibreOffice has at once: nothing waits for its turn. */
export async function inTwos<Item>(items: Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const rest = [...items]
  async function worker() {
    for (let item = rest.shift(); item !== undefined; item = rest.shift()) await work(item)
  }
  await Promise.all([worker(), worker()])
}

export async function pdfPages(bytes: Buffer): Promise<number> {
  await using folder = await freshFolder()
  const path = join(folder.path, 'file.pdf')
  await writeFile(path, bytes)
  return Number(/^Pages:\s+(\d+)$/m.exec((await run('pdfinfo', [path])).stdout)?.[1])
}

/** The text of a PDF. */
export async function pdfText(bytes: Buffer): Promise<string> {
  await using folder = await freshFolder()
  const path = join(folder.path, 'file.pdf')
  await writeFile(path, bytes)
  return (await run('pdftotext', [path, '-'])).stdout
}

/** For tests that need it and read PDF. @throws when REQUIRE_SERVICES=1 forbids skipping */
export async function hasLibreOffice(): Promise<boolean> {
  const isThere = await run('sh', ['-c', 'command -v soffice && command -v pdftotext']).then(
    () => true,
    () => false,
  )
  if (!isThere && process.env.REQUIRE_SERVICES === '1') {
    throw new Error('soffice or pdftotext is missing and REQUIRE_SERVICES=1')
  }
  return isThere
}
