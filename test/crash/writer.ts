import { setTimeout as delay } from 'node:timers/promises'
import * as Y from 'yjs'
import type { HubUser } from '../hub/support.ts'
import { ADMIN_TOKEN } from '../support/app.ts'

/** A text document that nobody has written to. */
export async function newDocument(url: string): Promise<string> {
  const response = await fetch(`${url}/api/documents`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${ADMIN_TOKEN}` },
    body: JSON.stringify({ title: 'Shared', type: 'Docs', format: 'TXT' }),
  })
  return ((await response.json()) as { id: string }).id
}

/** Sends one word after another; a word counts once its sending was completed. */
export function startWriter({ connection, invoke }: HubUser, documentId: string, number: number) {
  const doc = new Y.Doc()
  const confirmed: string[] = []
  let isOver = false
  const unsent: [word: string, update: string][] = []
  const words = doc.getArray<string>('words')
  const apply = (update: unknown) => Y.applyUpdate(doc, Buffer.from(String(update), 'base64'))
  connection.on('ReceiveUpdate', apply)
  connection.onreconnected(async () => {
    try {
      await invoke('JoinDocument', documentId)
      apply(await invoke('RequestSync', documentId))
    } catch {
      // Cut off again: the next connection syncs.
    }
  })

  async function write(): Promise<void> {
    // Others may have begun before. Cut off in the middle, the next connection syncs.
    await invoke('RequestSync', documentId).then(apply, () => {})
    for (let at = 0; !isOver; at += 1) {
      const word = `${number}-${at}`
      const before = Y.encodeStateVector(doc)
      words.push([word])
      unsent.push([word, Buffer.from(Y.encodeStateAsUpdate(doc, before)).toString('base64')])
      while (unsent.length > 0) {
        const [next] = unsent
        if (next === undefined) break
        try {
          await invoke('SendUpdate', documentId, next[1])
          confirmed.push(next[0])
          unsent.shift()
        } catch {
          // Cut off, or not joined again yet: the same once more.
          await delay(20)
        }
      }
    }
  }
  const done = write()
  return {
    doc,
    confirmed,
    async stop() {
      isOver = true
      await done
    },
  }
}
