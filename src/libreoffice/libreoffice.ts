import { createReadStream, createWriteStream } from 'node:fs'
import { access, constants, mkdir, mkdtemp, open, rm, stat } from 'node:fs/promises'
import { delimiter, join, resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { pathToFileURL } from 'node:url'
import PQueue from 'p-queue'
import type { Converter } from '../core/converter-port.ts'
import { Problem } from '../errors.ts'
import { type ProcessLimits, runLimited } from './limited-process.ts'
import { inputFilter, LIBREOFFICE_PAIRS, outputFilter } from './pairs.ts'
import { scalingFilter } from './pictures.ts'
import { writeProfile } from './profile.ts'
import { checkUnpackedSize } from './unpacked-size.ts'

const AT_ONCE = 2
const MOST_WAITING = 20
const RETRY_AFTER_S = 15
/**
 * It asks for a few very large blocks again and again. From 256 MiB on they stay with the process, which saves
 * half the time of a small file. Source: glibc, Memory Allocation Tunables; others do not read this.
 */
const KEEPS_MEMORY = {
  MALLOC_MMAP_THRESHOLD_: String(512 * 1024 ** 2),
  MALLOC_TRIM_THRESHOLD_: String(512 * 1024 ** 2),
}
const LIMITS: ProcessLimits = { timeLimitS: 28, memoryBytes: 3 * 1024 ** 3, fileBytes: 1024 ** 3 }

export type LibreOfficeOptions = {
  /** Folders to look for it in, as in `PATH`. */
  searchPath: string
  /** For files in work; belongs to this process alone and is emptied at the start. */
  folder: string
  limits?: Partial<ProcessLimits>
}

type Run = {
  /** For everything that the run writes. */
  folder: string
  input: string
  /** Value of `--infilter`. */
  filter: string | undefined
  to: string
  /** Value of `--convert-to`. */
  as: string
}

/** LibreOffice, one process for each conversion. */
export class LibreOffice implements Converter, AsyncDisposable {
  readonly pairs = LIBREOFFICE_PAIRS
  readonly #program: string | undefined
  readonly #searchPath: string
  readonly #folder: string
  readonly #limits: ProcessLimits
  readonly #queue = new PQueue({ concurrency: AT_ONCE })
  readonly #closing = new AbortController()

  private constructor(program: string | undefined, { searchPath, folder, limits }: LibreOfficeOptions) {
    this.#program = program
    this.#searchPath = searchPath
    this.#folder = resolve(folder)
    this.#limits = { ...LIMITS, ...limits }
  }

  /** Looks for the program once, and removes what an earlier process left. */
  static async open(options: LibreOfficeOptions): Promise<LibreOffice> {
    await rm(options.folder, { recursive: true, force: true })
    return new LibreOffice(await findProgram(options.searchPath), options)
  }

  get isInstalled(): boolean {
    return this.#program !== undefined
  }

  async convert<Result>(
    order: { from: string; to: string; width?: number; open: () => Promise<Readable> },
    use: (bytes: Readable) => Promise<Result>,
  ): Promise<Result> {
    const { from, to, width, open: openSource } = order
    const program = this.#program
    if (program === undefined) throw new Problem('conversion-unavailable', 'LibreOffice is not installed')
    if (this.#queue.size >= MOST_WAITING) {
      throw new Problem('conversion-busy', undefined, { retryAfterS: RETRY_AFTER_S })
    }
    return this.#queue.add(async () => {
      const folder = await this.#makeFolder()
      try {
        const input = join(folder, `source.${from}`)
        await storing(pipeline(await openSource(), createWriteStream(input)))
        await checkUnpackedSize(input)
        const filter = inputFilter(from, await firstLine(input))
        const whole = await this.#run(program, { folder, input, filter, to, as: outputFilter(from, to) })
        // It takes both sides or none, and their proportion is known only now.
        const scaled = width === undefined ? undefined : await scalingFilter(whole, width)
        if (scaled === undefined) return await use(createReadStream(whole))
        const picture = { input: whole, filter: undefined, to, as: scaled }
        return await use(createReadStream(await this.#run(program, { folder, ...picture })))
      } finally {
        await rm(folder, { recursive: true, force: true, maxRetries: 5 })
      }
    })
  }

  async #run(program: string, { folder, input, filter, to, as }: Run): Promise<string> {
    const profile = join(folder, 'profile')
    await storing(writeProfile(profile))
    const out = await storing(mkdtemp(join(folder, 'out-')))
    const end = await runLimited(
      [
        program,
        '--headless',
        '--norestore',
        '--nolockcheck',
        // Two processes must not share a profile.
        `-env:UserInstallation=${pathToFileURL(profile).href}`,
        ...(filter === undefined ? [] : [`--infilter=${filter}`]),
        '--convert-to',
        as,
        '--outdir',
        out,
        input,
      ],
      {
        ...this.#limits,
        cwd: folder,
        env: { PATH: this.#searchPath, HOME: folder, TMPDIR: folder, LANG: 'C.UTF-8', ...KEEPS_MEMORY },
        signal: this.#closing.signal,
      },
    )
    if (end === 'aborted') throw new Problem('shutting-down')
    if (end === 'timed-out') {
      const { timeLimitS } = this.#limits
      throw new Problem('conversion-failed', `LibreOffice was stopped after ${timeLimitS} s`)
    }
    // It exits with 0 without writing a file when it fails: only the output tells.
    const output = join(out, `source.${to}`)
    const written = await stat(output).catch(() => undefined)
    if (written?.isFile() !== true) {
      throw new Problem(
        'conversion-failed',
        'LibreOffice could not read the file: it may be damaged, protected by a password or too large',
      )
    }
    return output
  }

  async #makeFolder(): Promise<string> {
    await storing(mkdir(this.#folder, { recursive: true }))
    return storing(mkdtemp(join(this.#folder, 'conversion-')))
  }

  /** Stops what is running and refuses what waits. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this.#queue.onIdle()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

async function findProgram(searchPath: string): Promise<string | undefined> {
  for (const folder of searchPath.split(delimiter).filter(Boolean)) {
    for (const name of ['soffice', 'libreoffice']) {
      const program = resolve(folder, name)
      const isThere = await access(program, constants.X_OK).then(
        () => true,
        () => false,
      )
      if (isThere) return program
    }
  }
  return undefined
}

/** As far as 4 KiB show it. */
async function firstLine(path: string): Promise<string> {
  await using file = await open(path)
  const { buffer, bytesRead } = await file.read(Buffer.alloc(4096), 0, 4096, 0)
  return buffer.toString('utf8', 0, bytesRead).split(/\r?\n/, 1)[0] ?? ''
}

/** What the operating system refuses here is full or broken storage. */
async function storing<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (error instanceof Error && 'errno' in error) {
      throw new Problem('storage-unavailable', undefined, { cause: error })
    }
    throw error
  }
}
