import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import express, { type Request, type Response } from 'express'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { openEventStream } from '../../src/http/sse.ts'
import { ADMIN_TOKEN, startApp, type TestApp } from '../support/app.ts'

const SIGN_OF_LIFE_MS = 20_000

/** Heartbeats come when a test passes their time. */
beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }))
afterEach(() => void vi.useRealTimers())

describe('the live line of the pages', () => {
  let app: TestApp
  let cookie: string
  beforeAll(async () => {
    app = await startApp()
  })
  afterAll(() => app[Symbol.asyncDispose]())
  beforeEach(async () => {
    const body = new URLSearchParams({ token: ADMIN_TOKEN })
    const response = await fetch(`${app.url}/sign-in`, { method: 'POST', redirect: 'manual', body })
    cookie = response.headers.get('set-cookie')?.split(';')[0] ?? ''
  })

  test('it ends with the sign-in', async () => {
    const reader = (await fetch(`${app.url}/live`, { headers: { cookie } })).body?.getReader()
    await reader?.read()
    vi.advanceTimersByTime(SIGN_OF_LIFE_MS)
    expect((await reader?.read())?.done).toBe(false)
    await fetch(`${app.url}/sign-out`, { method: 'POST', redirect: 'manual', headers: { cookie } })
    vi.advanceTimersByTime(SIGN_OF_LIFE_MS)
    expect((await reader?.read())?.done).toBe(true)
  })
})

describe('a stream of events', () => {
  const streams = new Set<Response>()
  let server: Server
  let take: (request: Request, response: Response) => unknown = () => {}
  const clients: Socket[] = []
  beforeAll(async () => {
    server = createServer(express().get('/', (request, response) => take(request, response)))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
  })
  afterEach(() => {
    for (const client of clients.splice(0)) client.destroy()
  })
  afterAll(() => server.close())

  /** A reader that reads nothing. */
  function ask(): Socket {
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
    client.on('error', () => {})
    client.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
    clients.push(client)
    return client
  }

  /** Opens one for the next reader. */
  function open(isWelcome = async () => true) {
    const opened = Promise.withResolvers<{ response: Response; send: ReturnType<typeof openEventStream> }>()
    const onClose = vi.fn()
    take = (_request, response) => {
      opened.resolve({ response, send: openEventStream(response, { streams, isWelcome, onClose }) })
    }
    ask()
    return { opened: opened.promise, onClose }
  }

  test('is cut off when nobody reads it', async () => {
    const { opened, onClose } = open()
    const { send } = await opened
    for (let number = 0; number < 400 && onClose.mock.calls.length === 0; number += 1) {
      send('much', 'x'.repeat(100_000))
      await nextTurn()
    }
    expect(onClose).toHaveBeenCalledTimes(1)
    expect(streams.size).toBe(0)
  })

  test('takes nothing any more once it has ended', async () => {
    const { opened } = open()
    const { response, send } = await opened
    const faults: Error[] = []
    response.on('error', (fault) => faults.push(fault))
    // So much that the end waits for its reader.
    while (response.writableLength < 500_000) send('much', 'x'.repeat(100_000))
    response.end()
    send('late', {})
    vi.advanceTimersByTime(SIGN_OF_LIFE_MS)
    await nextTurn()
    expect(faults).toEqual([])
  })

  test('goes on while the database is too busy to say whether it may', async () => {
    const { opened } = open(() => Promise.reject(new Error('busy')))
    const { response } = await opened
    vi.advanceTimersByTime(SIGN_OF_LIFE_MS)
    await nextTurn()
    expect(response.writableEnded).toBe(false)
  })

  test('is not held for a reader who left before it began', async () => {
    const begun = Promise.withResolvers<void>()
    const left = Promise.withResolvers<void>()
    const onClose = vi.fn()
    take = async (_request, response) => {
      begun.resolve()
      await once(response, 'close')
      openEventStream(response, { streams, isWelcome: async () => true, onClose })
      left.resolve()
    }
    const client = ask()
    await begun.promise
    client.destroy()
    await left.promise
    expect([onClose.mock.calls.length, streams.size]).toEqual([1, 0])
  })
})
