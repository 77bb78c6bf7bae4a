import { setTimeout as delay } from 'node:timers/promises'
import type { Emulator } from '../../src/emulator/emulator.ts'
import { makeDocx } from '../support/files.ts'
import { sha256Of } from './audit.ts'
import { AGAIN_AFTER_MS, type PatientClient } from './client.ts'
import type { Random } from './random.ts'

/** A save that was answered 200: from then on its bytes are the service's to keep. */
export type AcknowledgedSave = { key: string; documentId: string; sha256: string; cutsVersion: boolean }

/** What the service has promised so far, as the other side saw it. */
export type Acknowledged = {
  saves: AcknowledgedSave[]
  uploads: { documentId: string; sha256: string }[]
  /** By document: the head must be one of these, the last acknowledged save or one sent since. */
  heads: Map<string, Set<string>>
  /** Saves whose connection broke before the answer: killed in flight. */
  brokenOff: number
}

export type Load = {
  acknowledged: Acknowledged
  /** Ends when every save that was sent is answered. @throws what went wrong in between */
  stop(): Promise<void>
}

type Parts = { client: PatientClient; docServer: Emulator; random: Random }

/** Edits, saves, closes, opens again and uploads without pause, whether the service is up or not. */
export function startLoad(parts: Parts, documentIds: string[]): Load {
  const acknowledged: Acknowledged = { saves: [], uploads: [], heads: new Map(), brokenOff: 0 }
  const stopping = { isStopping: false }
  const running = Promise.all([
    ...documentIds.map((documentId) => editForEver(parts, documentId, acknowledged, stopping)),
    uploadForEver(parts, acknowledged, stopping),
  ])
  running.catch(() => {})
  return {
    acknowledged,
    async stop() {
      stopping.isStopping = true
      await running
    },
  }
}

type Stopping = { isStopping: boolean }

let made = 0

/** Never the same twice; `random` keeps the sizes apart. */
function newBytes(random: Random): Buffer {
  made += 1
  return makeDocx([`Text ${made} ${'x'.repeat(random.between(0, 200))}`])
}

/** One document through session after session, its callbacks made by hand so that all of them are known. */
async function editForEver(
  { client, docServer, random }: Parts,
  documentId: string,
  acknowledged: Acknowledged,
  stopping: Stopping,
): Promise<void> {
  const callbackUrl = `${client.url}/api/onlyoffice/callback`
  let lastsaveMs = Date.now()
  while (!stopping.isStopping) {
    const { key } = (await client.config(documentId)).document
    let isOpen = true
    while (isOpen && !stopping.isStopping) {
      const bytes = newBytes(random)
      const sha256 = sha256Of(bytes)
      const isFinal = random.chance(0.15)
      const forcesavetype = random.between(0, 2)
      lastsaveMs = Math.max(lastsaveMs + 1, Date.now())
      const save = {
        ...(isFinal ? { status: 2, notmodified: false } : { status: 6, forcesavetype }),
        lastsave: new Date(lastsaveMs).toISOString(),
        filetype: 'docx',
        users: ['ann'],
      }
      const possible = acknowledged.heads.get(documentId) ?? new Set()
      acknowledged.heads.set(documentId, possible.add(sha256))
      // Document Server repeats a final save until it is taken; a forced one may be overtaken by the next.
      while (true) {
        const url = docServer.fileUrl(bytes, `output-${made}-${sha256.slice(0, 8)}.docx`)
        const status = await docServer.sendCallback(key, { ...save, url }, { callbackUrl }).then(
          // A proxy says so when the node behind it has died.
          ({ status }) => (status === 502 || status === 504 ? 'broken off' : status),
          (error: unknown) => (String(error).includes('ECONNREFUSED') ? 'down' : 'broken off'),
        )
        if (status === 200) {
          const cutsVersion = isFinal || forcesavetype === 1
          acknowledged.saves.push({ key, documentId, sha256, cutsVersion })
          acknowledged.heads.set(documentId, new Set([sha256]))
          break
        }
        if (typeof status === 'number' && status !== 503) throw new Error(`a save was answered ${status}`)
        if (status === 'broken off') acknowledged.brokenOff += 1
        if (!isFinal && random.chance(0.5)) break
        await delay(AGAIN_AFTER_MS)
      }
      isOpen = !isFinal
      await delay(random.between(0, 20))
    }
  }
}

async function uploadForEver(
  { client, random }: Parts,
  acknowledged: Acknowledged,
  stopping: Stopping,
): Promise<void> {
  while (!stopping.isStopping) {
    const bytes = newBytes(random)
    const documentId = await client.upload('upload.docx', bytes)
    if (documentId !== undefined) acknowledged.uploads.push({ documentId, sha256: sha256Of(bytes) })
    await delay(random.between(0, 100))
  }
}
