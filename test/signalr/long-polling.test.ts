import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { bearer, invocation, negotiate, openSocket, SEPARATOR, startHub, startPolling } from './support.ts'

test('the first poll is answered at once and empty, the next when there is something to say', async () => {
  await using hub = await startHub()
  const { connectionToken } = await negotiate(hub)
  const poll = () => fetch(`${hub.url}?id=${connectionToken}`, { headers: bearer() })
  const first = await poll()
  expect([first.status, await first.text(), first.headers.get('cache-control')]).toEqual([
    200,
    '',
    'no-cache, no-store',
  ])
  const second = poll()
  const post = await fetch(`${hub.url}?id=${connectionToken}`, {
    method: 'POST',
    headers: bearer(),
    body: `{"protocol":"json","version":1}${SEPARATOR}${invocation('Echo', [1], '1')}`,
  })
  expect([post.status, await post.text()]).toEqual([200, ''])
  expect(await (await second).text()).toBe(
    `{}${SEPARATOR}{"type":3,"invocationId":"1","result":[1]}${SEPARATOR}`,
  )
})

test('what comes between polls waits for the next, together', async () => {
  await using hub = await startHub()
  const ann = await startPolling(hub)
  for (let at = 0; at < 5; at += 1) await ann.post(invocation('Me', [at]))
  const messages = (await (await ann.poll()).text()).split(SEPARATOR).slice(0, -1)
  expect(messages.map((message) => JSON.parse(message).arguments)).toEqual([[0], [1], [2], [3], [4]])
})

test('messages may be split over requests, many of them at the same time', async () => {
  await using hub = await startHub()
  const ann = await startPolling(hub)
  const text = invocation('Note', ['split'])
  await ann.post(text.slice(0, 10))
  await ann.post(text.slice(10))
  await Promise.all(Array.from({ length: 50 }, (_, at) => ann.post(invocation('Note', [at]))))
  expect(hub.calls[0]).toBe('split')
  expect(
    hub.calls
      .slice(1)
      .map(Number)
      .sort((a, b) => a - b),
  ).toEqual(Array.from({ length: 50 }, (_, at) => at))
})

test('a request given up while it waits for its turn holds up none of the next', async () => {
  await using hub = await startHub({ times: { bodyMs: 600_000 } })
  const ann = await startPolling(hub)
  const first = ann.post(invocation('Wait', ['a']) + invocation('Note', ['x'.repeat(90_000)]))
  await hub.waiting
  const stopping = new AbortController()
  const arrived = hub.untilPosted()
  const second = fetch(ann.address, {
    method: 'POST',
    headers: ann.headers,
    body: invocation('Note', ['given up']),
    signal: stopping.signal,
  })
  const ended = (await arrived).closed
  stopping.abort()
  await expect(second).rejects.toThrow('aborted')
  await ended
  const third = ann.post(invocation('Note', ['third']))
  hub.gate('a').resolve(null)
  expect((await first).status).toBe(200)
  expect((await third).status).toBe(200)
  expect(hub.calls.at(-1)).toBe('third')
  expect(hub.calls).not.toContain('given up')
})

test('a new poll ends the one before, an old one ends empty after its time', async () => {
  await using hub = await startHub({ times: { pollMs: 100 } })
  const ann = await startPolling(hub)
  // Whichever comes to the server first.
  const statuses = await Promise.all([ann.poll(), ann.poll()])
  expect(statuses.map(({ status }) => status).sort()).toEqual([200, 204])
})

test('closed by the server it gets what was left, then 204, and is unknown after', async () => {
  await using hub = await startHub()
  const ann = await startPolling(hub)
  await ann.post(invocation('Me', ['last']) + invocation('Bye', [true]))
  expect((await ann.post(invocation('Note', ['unread']))).status).toBe(404)
  const left = await (await ann.poll()).text()
  expect(left).toContain('"last"')
  expect(left).toContain(`{"type":7,"allowReconnect":true}${SEPARATOR}`)
  expect((await ann.poll()).status).toBe(204)
  expect((await ann.poll()).status).toBe(404)
  expect(hub.calls).toEqual([])
  expect(hub.disconnected).toHaveLength(1)
})

test('DELETE and the last POST come in either order', async () => {
  await using hub = await startHub()
  const close = `{"type":7}${SEPARATOR}`
  const ann = await startPolling(hub)
  expect((await ann.remove()).status).toBe(202)
  expect((await ann.post(close)).status).toBe(404)
  const bob = await startPolling(hub, 'bob')
  expect((await bob.post(close)).status).toBe(200)
  expect((await bob.remove()).status).toBe(202)
  const eve = await startPolling(hub, 'eve')
  const held = eve.poll()
  const statuses = (await Promise.all([eve.remove(), eve.post(close)])).map(({ status }) => status)
  for (const status of statuses) expect(status).toBeLessThan(500)
  expect((await held).status).toBeLessThan(500)
  await hub.untilDisconnected(3)
})

test('whoever polls no more is gone', async () => {
  await using hub = await startHub({ times: { abandonedMs: 50 } })
  await startPolling(hub)
  await hub.untilDisconnected(1)
  expect([...hub.server.connections()]).toEqual([])
})

test('an answer that did not arrive ends the connection: its messages are missing for good', async () => {
  await using hub = await startHub({ limits: { mostBufferedBytes: 100_000_000 } })
  const ann = await startPolling(hub)
  await ann.post(invocation('Big', [50_000_000], '1'))
  const stopping = new AbortController()
  const answer = await fetch(ann.address, { headers: ann.headers, signal: stopping.signal })
  expect(answer.status).toBe(200)
  stopping.abort()
  await hub.untilDisconnected(1)
})

test('eight hundred held polls leave the others their speed', async () => {
  await using hub = await startHub()
  const pollers = []
  for (let at = 0; at < 800; at += 50) {
    pollers.push(...(await Promise.all(Array.from({ length: 50 }, () => startPolling(hub)))))
  }
  const polls = pollers.map((one) => one.poll())
  const bob = await openSocket(hub, { token: 'bob' })
  for (let at = 0; at < 200; at += 1) {
    bob.invoke('Echo', [at], String(at))
    expect(await bob.read()).toMatchObject({ result: [at] })
  }
  for (const connection of hub.server.connections()) connection.close()
  await Promise.all(polls)
})

test('pollers that fetch no events are dropped beyond the limit, slow ones get all, the others lose no time', async () => {
  const [size, limit] = [50_000, 500_000]
  await using hub = await startHub({ limits: { mostBufferedBytes: limit } })
  const join = async (one: Awaited<ReturnType<typeof startPolling>>) => {
    await one.post(invocation('Join', [], 'joined'))
    await (await one.poll()).text()
    return one
  }
  const pollers = await Promise.all(
    Array.from({ length: 60 }, (_, at) => startPolling(hub, `poller ${at}`.replace(' ', '-')).then(join)),
  )
  // One half holds a poll and never reads the answer, the other half polls only now and then.
  const [deaf, slow] = [pollers.slice(0, 30), pollers.slice(30)]
  const sockets = deaf.map((one) => {
    const { pathname, search } = new URL(one.address)
    const socket = connect(hub.port, '127.0.0.1')
      .on('error', () => {})
      .pause()
    socket.write(
      `GET ${pathname}${search} HTTP/1.1\r\nHost: hub\r\nAuthorization: ${one.headers.Authorization}\r\n\r\n`,
    )
    return socket
  })
  const [bob, eve] = [await openSocket(hub, { token: 'bob' }), await openSocket(hub, { token: 'eve' })]
  bob.invoke('Join', [], '1')
  await bob.read()

  const got = slow.map(() => [] as number[])
  const text = 'x'.repeat(size)
  let told = 0
  while (hub.disconnected.length < deaf.length) {
    eve.invoke('Tell', [told, text])
    expect(await bob.read()).toMatchObject({ arguments: [told, text] })
    told += 1
    if (told % 5 === 0) await Promise.all(slow.map(fetchAll))
  }
  // One in the answer, the limit behind it, and what one turn may be beyond.
  expect(told).toBeLessThanOrEqual(1 + limit / size + 3)
  expect(told).toBeGreaterThanOrEqual(limit / size)
  while (told % 5 !== 0) eve.invoke('Tell', [told++, text])
  eve.invoke('Echo', [], 'end')
  await eve.read()
  await Promise.all(slow.map(fetchAll))
  expect(got).toEqual(slow.map(() => Array.from({ length: told }, (_, at) => at)))
  expect(hub.disconnected).toHaveLength(deaf.length)
  for (const socket of sockets) socket.destroy()

  async function fetchAll(one: (typeof pollers)[number], at: number) {
    const messages = (await (await one.poll()).text()).split(SEPARATOR).slice(0, -1)
    for (const message of messages) got[at]?.push(JSON.parse(message).arguments[0])
  }
})
