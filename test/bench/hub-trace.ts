import * as Y from 'yjs'

export type Update = { bytes: Uint8Array; base64: string }

export type Trace = { updates: Update[]; text: string }

/** Ids of real clients take as many bytes. */
const CLIENT_ID = 0x5eed1e55
const LETTERS = 'etaoin shrdlu cmfwyp vbgkjq xz'
const ROOT = 'text'

/** One update a key stroke, the same in every run: typing on, now and then elsewhere, every tenth taken back. */
export function typing(count: number): Trace {
  const doc = new Y.Doc()
  doc.clientID = CLIENT_ID
  const text = doc.getText(ROOT)
  const updates: Update[] = []
  doc.on('update', (bytes: Uint8Array) => {
    updates.push({ bytes, base64: Buffer.from(bytes).toString('base64') })
  })
  let cursor = 0
  for (let stroke = 0; stroke < count; stroke++) {
    // Source: Knuth, The Art of Computer Programming, vol. 3, §6.4, multiplicative hashing.
    const random = Math.imul(stroke, 0x9e3779b1) >>> 0
    if (stroke % 50 === 49) cursor = random % (text.length + 1)
    if (stroke % 10 === 9 && cursor > 0) {
      cursor -= 1
      text.delete(cursor, 1)
    } else {
      text.insert(cursor, LETTERS[random % LETTERS.length] ?? ' ')
      cursor += 1
    }
  }
  return { updates, text: text.toString() }
}

export function textOf(state: Uint8Array): string {
  const doc = new Y.Doc()
  Y.applyUpdate(doc, state)
  return doc.getText(ROOT).toString()
}
