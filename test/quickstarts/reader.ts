import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { makeDocx } from '../support/files.ts'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const TIME_LIMIT_MS = 25_000
const PATH = process.env.PATH ?? ''

export const REPORT_TEXT = 'Quarterly report'

const runFile = promisify(execFile)

/** Somebody who has just started the service with no settings and sits in a folder with a `report.docx`. */
export type Reader = AsyncDisposable & {
  /** `http://localhost:…`, as the start has printed it. */
  url: string
  folder: string
  report: Buffer
  /** @returns what was printed. @throws Error with all that was printed when it ends with another code than 0 */
  run(program: string, args: string[]): Promise<string>
}

export async function startReader(): Promise<Reader> {
  const root = await mkdtemp(join(tmpdir(), 'docs-connector-quickstart-'))
  const [dataDir, folder] = [await mkdtemp(join(root, 'data-')), await mkdtemp(join(root, 'reader-'))]
  const report = makeDocx([REPORT_TEXT])
  await writeFile(join(folder, 'report.docx'), report)

  const service = spawn(process.execPath, [MAIN], {
    // Away from the `.env` of a developer.
    cwd: dataDir,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH, HOME: dataDir, DATA_DIR: dataDir, PORT: '0', LOG_LEVEL: 'error' },
  })
  const gone = once(service, 'close')
  const stop = async () => {
    service.kill('SIGKILL')
    await gone
    await rm(root, { recursive: true, force: true })
  }
  const started = new Promise<string>((resolve, reject) => {
    let output = ''
    for (const stream of [service.stdout, service.stderr]) {
      stream.on('data', (text) => {
        output += text
        // Its first line of all, printed when it listens.
        const [, address] = /docs-connector +(http:\S+)\s/.exec(output) ?? []
        if (address !== undefined) resolve(address)
      })
    }
    service.once('close', () => reject(new Error(`the service did not start:\n${output}`)))
  })

  try {
    return {
      url: await started,
      folder,
      report,
      async run(program, args) {
        const env = { PATH, HOME: folder }
        return (await runFile(program, args, { cwd: folder, env, timeout: TIME_LIMIT_MS })).stdout
      },
      [Symbol.asyncDispose]: stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}
