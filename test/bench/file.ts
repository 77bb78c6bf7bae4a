import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startDocumentServer } from './document-server.ts'
import { wrongAnswers } from './file-answers.ts'
import { load, rawRequest } from './load.ts'
import { startReference } from './processes.ts'
import { atLeast, below, type Result } from './results.ts'
import { interleaved } from './rounds.ts'
import { startService, temporaryFolder } from './service.ts'
import { growthWithSlowReaders } from './slow-readers.ts'

const SECONDS = 2
const SLOW_READERS = 20
const LARGE = '100 MB'

const FILES = [
  { name: '10 KB', bytes: 10_000, connections: 32, least: 1.2 },
  { name: '1 MB', bytes: 1_000_000, connections: 8, least: 1.3 },
  { name: LARGE, bytes: 100_000_000, connections: 4, least: 1.4 },
]

/** Files by their token, beside Express' own `res.sendFile` of the same bytes without any check. */
export async function file(): Promise<Result[]> {
  await using docServer = await startDocumentServer()
  await using folder = await temporaryFolder()
  await using plain = await temporaryFolder()
  const start = () => startService({ dataDir: folder.path, docServerPort: docServer.port })

  const paths = new Map<string, string>()
  await using sendFile = await startReference('references/send-file.ts', plain.path)
  const results: Result[] = []
  {
    await using service = await start()
    for (const { name, bytes } of FILES) {
      const text = Buffer.alloc(bytes, `${name} of text\n`)
      await writeFile(join(plain.path, `${bytes}.txt`), text)
      const id = await service.upload(`${name}.txt`, new Blob([text]))
      paths.set(name, (await service.config(id)).filePath)
    }
  }
  {
    await using service = await start()
    for (const { name, bytes, connections, least } of FILES) {
      const isSmall = bytes < 100_000
      const measure = async (port: number, request: Buffer) => {
        const done = await load({ port, connections, seconds: SECONDS, request: () => request })
        if (done.failed > 0) throw new Error(`${done.failed} files failed`)
        return isSmall ? done.perSecond : done.mbPerSecond
      }
      const ours = rawRequest('GET', pathOf(paths, name))
      const reference = rawRequest('GET', `/${bytes}.txt`)
      const medians = await interleaved(
        () => measure(service.port, ours),
        () => measure(sendFile.port, reference),
      )
      const row = isSmall ? `file ${name}, requests/s` : `file ${name}, MB/s`
      results.push(atLeast(row, medians, least, service.rss().peak))
    }
    const wrong = await wrongAnswers(service.port, pathOf(paths, '10 KB'), 10_000)
    const row = `file, wrong answers${wrong.length > 0 ? `: ${wrong.join(', ')}` : ''}`
    results.push({ row, ours: wrong.length, target: '0', isMet: wrong.length === 0 })
  }
  {
    await using service = await start()
    await using reference = await startReference('references/send-file.ts', plain.path)
    const grown = async (server: typeof reference, small: string, large: string) =>
      growthWithSlowReaders(server, { readers: SLOW_READERS, small, large })
    const figures = {
      ours: await grown(service, pathOf(paths, '10 KB'), pathOf(paths, LARGE)),
      reference: await grown(reference, '/10000.txt', '/100000000.txt'),
    }
    results.push(
      below(`file, RSS growth of ${SLOW_READERS} slow readers, MiB`, figures, 40, service.rss().peak),
    )
  }
  return results
}

function pathOf(paths: Map<string, string>, name: string): string {
  const path = paths.get(name)
  if (path === undefined) throw new Error(`no file of ${name}`)
  return path
}
