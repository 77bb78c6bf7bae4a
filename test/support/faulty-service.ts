import { randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Emulator } from '../../src/emulator/emulator.ts'
import { startEmulator } from '../../src/emulator/start.ts'
import { type Audit, auditStorage } from '../crash/audit.ts'
import { SECRET, startApp, type TestApp } from './app.ts'
import { faultyAgents, type NetworkFault } from './faulty-agent.ts'
import { FaultyCalls } from './faulty-calls.ts'
import { faultyDialect } from './faulty-dialect.ts'
import { filesFailing } from './faulty-files.ts'
import { makeDocx, makeZip } from './files.ts'

const QUICK = { closeToSaveMs: 20, retryDelaysMs: [20, 20, 20], forcesaveMs: 5, downloadRetryMs: 10 }

/** The fields of a hand-made callback beside its key. */
export type CallbackFields = { status: number; [field: string]: unknown }

/** A service whose disk, database and network fail on demand, and the Document Server beside it. */
export type FaultyService = AsyncDisposable & {
  app: TestApp
  docServer: Emulator & { url: string }
  files: FaultyCalls
  database: FaultyCalls
  /** What breaks is `networkFault`. */
  network: FaultyCalls
  networkFault: NetworkFault
  /** A new document with its upload and one automatic save of its session. */
  edited(): Promise<EditedDocument>
  /** A callback that brings these bytes, with changes and history as Document Server sends them. */
  save(fields: CallbackFields, bytes: Buffer): CallbackFields
  /** @returns the HTTP status that Document Server gets */
  send(key: string, fields: CallbackFields): Promise<number>
  audit(): Promise<Audit>
  /** Names of files that are not complete, or were left so. */
  staged(): string[]
}

export type EditedDocument = {
  id: string
  key: string
  uploaded: Buffer
  /** What the automatic save brought: the head. */
  saved: Buffer
}

export async function startFaultyService(env: Record<string, string> = {}): Promise<FaultyService> {
  const [files, database, network] = [new FaultyCalls(), new FaultyCalls(), new FaultyCalls()]
  const docServer = await startEmulator({ secret: SECRET, timings: QUICK })
  const app = await startApp({
    docServer,
    env: { DOWNLOAD_RETRY_S: '0', OPEN_WAIT_S: '0', ...env },
    overrides: {
      files: filesFailing(files),
      wrapDialect: faultyDialect(database),
      agents: faultyAgents(network, () => service.networkFault),
    },
  })
  const verified = new Set<string>()
  let changes = 0

  const service: FaultyService = {
    app,
    docServer,
    files,
    database,
    network,
    networkFault: { kind: 'refused' },
    async edited() {
      const [uploaded, saved] = [newDocx(), newDocx()]
      const id = await app.upload('report.docx', uploaded)
      const { key } = (await app.config(id)).document
      const status = await service.send(key, service.save({ status: 6, forcesavetype: 2 }, saved))
      if (status !== 200) throw new Error(`the first save was answered ${status}`)
      return { id, key, uploaded, saved }
    },
    save(fields, bytes) {
      changes += 1
      const archive = makeZip({ 'changes0.json': String(changes) })
      return {
        url: docServer.fileUrl(bytes, `output-${changes}.docx`),
        changesurl: docServer.fileUrl(archive, `changes-${changes}.zip`),
        history: { serverVersion: '9.0.0', changes: [] },
        filetype: 'docx',
        users: ['ann'],
        lastsave: new Date(Date.UTC(2026, 10, 21) + changes * 1000).toISOString(),
        ...fields,
      }
    },
    async send(key, fields) {
      const callbackUrl = `${app.url}/api/onlyoffice/callback`
      // The token in the body alone: a long history would not fit into a header.
      return (await docServer.sendCallback(key, fields, { callbackUrl, header: false })).status
    },
    staged: () => readdirSync(join(app.dataDir, 'tmp')),
    audit: () => auditStorage(app.dataDir, verified),
    async [Symbol.asyncDispose]() {
      await docServer.close()
      await app[Symbol.asyncDispose]()
    },
  }
  return service
}

/** Never the same twice: equal bytes would make a save a duplicate. Long enough to be cut in the middle. */
export function newDocx(): Buffer {
  return makeDocx([randomBytes(8_000).toString('hex')])
}
