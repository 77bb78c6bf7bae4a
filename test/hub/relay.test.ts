import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { startApp } from '../support/app.ts'
import { joined, textOf, typed, WAYS } from './support.ts'

const UPDATES = 10_000
/** Invocations that nobody has confirmed yet. */
const WINDOW = 200

describe.each(WAYS)('$name', (way) => {
  test(`${UPDATES} updates arrive in order, once each, and the state is the merged document`, async () => {
    await using app = await startApp({
      env: { HUB_MESSAGES_PER_S: '1000000', HUB_CLIENT_MESSAGES_PER_S: '1000000' },
    })
    const id = await app.upload('note.txt', Buffer.from('note'))
    await using writer = await joined(app, id, { way })
    await using reader = await joined(app, id, { way })
    const words = Array.from({ length: UPDATES }, (_, at) => `${at} `)
    const { doc, updates } = typed(words)

    for (let at = 0; at < UPDATES; at += WINDOW) {
      await Promise.all(
        updates.slice(at, at + WINDOW).map((update) => writer.invoke('SendUpdate', id, update)),
      )
    }

    const received = await reader.heard('ReceiveUpdate', UPDATES)
    expect(received.map(([update]) => update)).toEqual(updates)
    const state = await reader.invoke<string>('RequestSync', id)
    expect(textOf(state)).toBe(words.join(''))
    expect(Buffer.from(state, 'base64')).toEqual(Buffer.from(Y.encodeStateAsUpdate(doc)))
    expect(await writer.invoke('GetConnectedUsers', id)).toHaveLength(2)
  })
})
