import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express, { type Response } from 'express'
import { expect, test } from 'vitest'
import { MemoryBackplane } from '../../src/backplane/memory.ts'
import { createEvents, type DocumentEvent } from '../../src/core/events.ts'
import { openEventStream } from '../../src/http/sse.ts'

/** A backplane whose gaps a test makes. */
class Leaky extends MemoryBackplane {
  readonly listeners = new Set<() => void>()
  override onGap(listener: () => void = () => {}) {
    this.listeners.add(listener)
    return () => void this.listeners.delete(listener)
  }
  tellGap() {
    for (const listener of this.listeners) listener()
  }
}

test('after a gap readers get what is so now, and are sent to come back soon', async () => {
  const backplane = new Leaky()
  const events = createEvents(backplane, async (id) => [{ type: 'users', users: [`of ${id}`] }])
  const streams = new Set<Response>()
  const app = express()
  const opened = Promise.withResolvers<void>()
  app.get('/:id', (request, response) => {
    const end = events.subscribe(request.params.id, ({ type, ...data }) => send(type, data))
    const send = openEventStream(response, { streams, isWelcome: async () => true, onClose: end })
    opened.resolve()
  })
  const server = createServer(app).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/note`)
  await opened.promise

  backplane.tellGap()

  const text = await answer.text()
  expect(text).toMatch(/^:\n\nevent: users\ndata: \{"users":\["of note"\]\}\n\nretry: (\d+)\n\n$/)
  const comeBackMs = Number(/retry: (\d+)/.exec(text)?.[1])
  expect(comeBackMs).toBeGreaterThanOrEqual(100)
  expect(comeBackMs).toBeLessThanOrEqual(2000)
  server.close()
})

test('gaps are told to those who listen, of each document once, and to nobody else', async () => {
  const backplane = new Leaky()
  const asked: string[] = []
  const events = createEvents(backplane, async (id) => {
    asked.push(id)
    return []
  })
  const heard: [string, DocumentEvent][] = []
  const ends = ['one', 'one', 'other', 'left'].map((id) =>
    events.subscribe(id, (event) => heard.push([id, event])),
  )
  ends.at(-1)?.()

  backplane.tellGap()

  await expect
    .poll(() => heard.map(([id, { type }]) => `${id} ${type}`))
    .toEqual(['one gap', 'one gap', 'other gap'])
  expect(asked).toEqual(['one', 'other'])
})
