import { expect } from 'vitest'
import type { EmulatedEditor } from '../../src/emulator/editor.ts'
import type { startEmulator } from '../../src/emulator/start.ts'
import { docxParagraphs, makeDocx } from '../support/files.ts'
import { auditStorage } from './audit.ts'
import type { PatientClient } from './client.ts'
import type { Acknowledged } from './load.ts'

export async function uploadSurely(client: PatientClient, bytes: Buffer): Promise<string> {
  return (await client.upload('document.docx', bytes)) ?? uploadSurely(client, bytes)
}

export function snapshotOf({ saves, uploads }: Acknowledged): Pick<Acknowledged, 'saves' | 'uploads'> {
  return { saves: [...saves], uploads: [...uploads] }
}

/** Promises that the storage does not keep, in words. */
export async function broken(
  dataDir: string,
  { saves, uploads }: Pick<Acknowledged, 'saves' | 'uploads'>,
  verified: Set<string>,
): Promise<string[]> {
  const audit = await auditStorage(dataDir, verified)
  const storedSaves = new Set(
    audit.saves.filter(({ state }) => state === 'stored').map(({ key, sha256 }) => `${key} ${sha256}`),
  )
  const versions = new Set(audit.versions.map(({ documentId, sha256 }) => `${documentId} ${sha256}`))
  return [
    ...audit.faults,
    ...saves
      .filter(({ key, sha256 }) => !storedSaves.has(`${key} ${sha256}`))
      .map((save) => `lost save: ${JSON.stringify(save)}`),
    ...saves
      .filter(
        ({ documentId, sha256, cutsVersion }) => cutsVersion && !versions.has(`${documentId} ${sha256}`),
      )
      .map((save) => `lost version: ${JSON.stringify(save)}`),
    ...uploads
      .filter(({ documentId, sha256 }) => !versions.has(`${documentId} ${sha256}`))
      .map((upload) => `lost upload: ${JSON.stringify(upload)}`),
  ]
}

/** One real editor that stays open from the first kill to the last. */
export async function openWitness(
  client: PatientClient,
  docServer: Awaited<ReturnType<typeof startEmulator>>,
): Promise<{ goesOn(kill: number): Promise<void> }> {
  const id = await uploadSurely(client, makeDocx(['Untouched']))
  const { key } = (await client.config(id)).document
  const editor: EmulatedEditor = await docServer.open(await client.config(id))
  return {
    /** Same key, and what is typed now is saved by the next press of the button. */
    async goesOn(kill) {
      expect((await client.config(id)).document.key).toBe(key)
      const text = `After kill ${kill}`
      editor.type(0, text)
      // The tick may be saving the same text.
      await expect
        .poll(
          async () => {
            await editor.save()
            return docxParagraphs(await client.download(id))
          },
          // Leases of the one that was killed run out first; on a busy machine nodes take seconds.
          { timeout: 20_000, interval: 20 },
        )
        .toEqual([text])
    },
  }
}
