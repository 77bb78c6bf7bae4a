import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startEmulator } from '../../src/emulator/start.ts'
import { sha256Of } from '../crash/audit.ts'
import { SECRET } from '../support/app.ts'
import { newDocx } from '../support/faulty-service.ts'
import { checkedFetch } from '../support/openapi.ts'
import { freePort } from '../support/ports.ts'
import { signIn, startProcess } from '../support/service-process.ts'

const CALLS =
  'fsync,fdatasync,rename,renameat,renameat2,write,writev,pwrite64,pwritev,sendto,sendmsg,mkdir,mkdirat'

/** Detached (-D), so that the process started is the service; -yy names the file of each descriptor. */
const TRACER = [
  'strace',
  '-D',
  '-f',
  '-qq',
  '-yy',
  '-s',
  '32',
  '-e',
  'signal=none',
  '-e',
  `trace=${CALLS}`,
  '-o',
]

/** Why system calls cannot be traced here, undefined where they can. */
function traceRefusal(): string | undefined {
  const { error, status, stderr } = spawnSync('strace', [...TRACER.slice(2), '/dev/null', 'true'], {
    encoding: 'utf8',
  })
  if (error) return 'there is no strace'
  return status === 0 ? undefined : `strace may not trace: ${stderr.trim()}`
}

type Call = { name: string; text: string; startedAt: number; endedAt: number }

/**
 * The calls of a trace in the order of their starts; `startedAt` and `endedAt` are line numbers. A
 * call during which another thread called something stands on two lines.
 */
function callsOf(trace: string): Call[] {
  const calls: Call[] = []
  const unfinished = new Map<string, Call>()
  for (const [at, line] of trace.split('\n').entries()) {
    const [, pid = '', rest = ''] = /^(\d+) +(.*)$/.exec(line) ?? []
    const [, resumed] = /^<\.\.\. (\w+) resumed>/.exec(rest) ?? []
    if (resumed !== undefined) {
      const call = unfinished.get(pid)
      if (call?.name === resumed) call.endedAt = at
      unfinished.delete(pid)
      continue
    }
    const [, name] = /^(\w+)\(/.exec(rest) ?? []
    if (name === undefined) continue
    const isUnfinished = rest.endsWith('<unfinished ...>')
    const call = { name, text: rest, startedAt: at, endedAt: isUnfinished ? Number.POSITIVE_INFINITY : at }
    if (isUnfinished) unfinished.set(pid, call)
    calls.push(call)
  }
  return calls
}

const refusal = traceRefusal()
const isSkipped = refusal !== undefined && process.env.REQUIRE_SERVICES !== '1'

describe.skipIf(isSkipped)(
  `what is on disk before an answer${refusal === undefined ? '' : ` (${refusal})`}`,
  () => {
    const stored: { what: string; bytes: Buffer; answer: number }[] = []
    let calls: Call[] = []
    let dataDir = ''

    beforeAll(async () => {
      expect(refusal).toBeUndefined()
      dataDir = await mkdtemp(join(tmpdir(), 'docs-connector-'))
      const trace = join(dataDir, 'trace')
      await using docServer = await startEmulator({ secret: SECRET })
      const service = startProcess({
        dataDir,
        port: await freePort(),
        docServer,
        under: [...TRACER, trace],
      })
      try {
        await service.healthy()
        const headers = await signIn(service.url)
        const callbackUrl = `${service.url}/api/onlyoffice/callback`

        const uploaded = newDocx()
        const form = new FormData()
        form.append('file', new Blob([new Uint8Array(uploaded)]), 'report.docx')
        const answer = await checkedFetch(`${service.url}/api/documents/upload`, {
          method: 'POST',
          headers,
          body: form,
        })
        const { id } = (await answer.json()) as { id: string }
        stored.push({ what: 'upload', bytes: uploaded, answer: answer.status })

        const opened = await fetch(`${service.url}/api/onlyoffice/config/${id}`, { headers })
        const { config } = (await opened.json()) as { config: { document: { key: string } } }
        for (const [what, fields] of [
          ['forced save', { status: 6, forcesavetype: 2 }],
          ['final save', { status: 2 }],
        ] as const) {
          const bytes = newDocx()
          const url = docServer.fileUrl(bytes, `${what}.docx`)
          const save = { ...fields, url, filetype: 'docx', users: ['ann'] }
          const { status } = await docServer.sendCallback(config.document.key, save, { callbackUrl })
          stored.push({ what, bytes, answer: status })
        }
      } finally {
        await service.kill('SIGTERM')
        calls = callsOf(await readFile(trace, 'utf8').catch(() => ''))
      }
    })
    afterAll(() => rm(dataDir, { recursive: true, force: true }))

    test.each([
      { what: 'upload', status: 201 },
      { what: 'forced save', status: 200 },
      { what: 'final save', status: 200 },
    ])('of the $what: its bytes, its name, its rows', ({ what, status }) => {
      const { bytes, answer: answered } = stored.find((it) => it.what === what) ?? { bytes: Buffer.alloc(0) }
      expect(answered).toBe(status)
      const sha256 = sha256Of(bytes)
      const folder = join(dataDir, 'blobs', sha256.slice(0, 2))

      const rename = one(
        ({ name, text }) => name.startsWith('rename') && text.includes(`${folder}/${sha256}"`),
      )
      const [, staged = ''] = /"([^"]*\/tmp\/[^"]+)"/.exec(rename.text) ?? []
      // Requests came one after the other: the next answer after the rename is the one to this save.
      const answer = one(({ startedAt, text }) => startedAt > rename.startedAt && text.includes('"HTTP/1.1 '))
      expect(answer.text).toContain(`"HTTP/1.1 ${status} `)

      const bytesOnDisk = one((call) => isSync(call, staged))
      expect(bytesOnDisk.endedAt).toBeLessThan(rename.startedAt)
      const nameOnDisk = one((call) => isSync(call, folder) && call.startedAt > rename.endedAt)
      expect(nameOnDisk.endedAt).toBeLessThan(answer.startedAt)

      const log = join(dataDir, 'metadata.sqlite-wal')
      const rows = calls.filter(
        ({ name, text, startedAt }) =>
          name.startsWith('pwrite') &&
          text.includes(`<${log}>`) &&
          startedAt > nameOnDisk.endedAt &&
          startedAt < answer.startedAt,
      )
      expect(rows.length).toBeGreaterThan(0)
      const lastRow = rows.at(-1)?.endedAt ?? Number.POSITIVE_INFINITY
      const rowsOnDisk = one((call) => isSync(call, log) && call.startedAt > lastRow)
      expect(rowsOnDisk.endedAt).toBeLessThan(answer.startedAt)
    })

    /** The first call that fits. */
    function one(fits: (call: Call) => boolean): Call {
      const call = calls.find(fits)
      if (call === undefined) throw new Error(`no such call among ${calls.length}: ${fits}`)
      return call
    }
  },
)

function isSync({ name, text }: Call, path: string): boolean {
  return (name === 'fsync' || name === 'fdatasync') && text.includes(`<${path}>`)
}
