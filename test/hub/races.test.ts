import { expect, test } from 'vitest'
import { startApp } from '../support/app.ts'
import { holdNextCommit } from './held-commits.ts'
import { connect, joined, textOf, typed, WAYS } from './support.ts'

const [, , , messagePack] = WAYS

test('who rejoins while their connection ends takes nobody else out of the room', async () => {
  await using app = await startApp()
  const id = await app.upload('note.txt', Buffer.from('note'))
  await using ann = await joined(app, id)
  const cyd = await joined(app, id)
  const commits = holdNextCommit(app)

  const rejoining = cyd.invoke('JoinDocument', id).catch((error: unknown) => error)
  await commits.reached
  await cyd.connection.stop()
  await ann.heard('UserLeft')
  commits.release()
  await rejoining

  await using dan = await joined(app, id)
  await dan.invoke('SendUpdate', id, typed(['still told']).updates[0])
  expect(await ann.heard('ReceiveUpdate')).toHaveLength(1)
  expect(await ann.invoke('GetConnectedUsers', id)).toHaveLength(2)
})

test('who joins while the content is replaced joins the new epoch', async () => {
  await using app = await startApp()
  const id = await app.upload('note.md', Buffer.from('note'))
  await using ann = await joined(app, id)
  await ann.invoke('SendUpdate', id, typed(['old']).updates[0])
  await using bea = await connect(app, { token: app.token })
  const commits = holdNextCommit(app)

  const joining = bea.invoke('JoinDocument', id)
  await commits.reached
  const replaced = await app.fetch(`/api/documents/${id}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonContent: '{"type":"doc","content":[]}' }),
  })
  expect(replaced.status).toBe(200)
  await ann.heard('DocumentRestored')
  commits.release()
  await joining

  await bea.invoke('SendUpdate', id, typed(['new'], 8).updates[0])
  await ann.invoke('JoinDocument', id)
  expect(textOf(await ann.invoke('RequestSync', id))).toBe('new')
  await ann.invoke('SendUpdate', id, typed(['er'], 9).updates[0])
  expect(await bea.heard('ReceiveUpdate')).toHaveLength(1)
})

test('what happens while somebody joins is told after who is there', async () => {
  await using app = await startApp()
  const id = await app.upload('note.txt', Buffer.from('note'))
  await using ann = await joined(app, id)
  const cyd = await joined(app, id, { name: 'Cyd' })
  await cyd.invoke('UpdateAwareness', id, 'cursor of Cyd')
  await ann.heard('ReceiveAwareness')
  await using bea = await connect(app, { token: app.token })
  const order: string[] = []
  for (const event of ['UserList', 'UserLeft', 'ReceiveAwareness'])
    bea.connection.on(event, (first: unknown) =>
      order.push(`${event} ${typeof first === 'string' ? first : ''}`),
    )
  const { promise: held, resolve: release } = Promise.withResolvers<void>()
  const { promise: reached, resolve: reach } = Promise.withResolvers<void>()
  const tellRoom = app.deps.events.tellRoom
  app.deps.events.tellRoom = async (documentId, message) => {
    if (message.kind === 'joined') {
      reach()
      await held
    }
    return tellRoom(documentId, message)
  }

  const joining = bea.invoke('JoinDocument', id)
  await reached
  const cydId = cyd.connection.connectionId
  await cyd.connection.stop()
  await ann.heard('UserLeft')
  await ann.invoke('UpdateAwareness', id, 'cursor of Ann')
  release()
  await joining

  await expect.poll(() => order).toContain('ReceiveAwareness cursor of Ann')
  expect(order[0]).toBe('UserList ')
  expect(order).toContain(`UserLeft ${cydId}`)
  expect(order).not.toContain('ReceiveAwareness cursor of Cyd')
})

test('deep awareness is refused, also where others speak MessagePack, and the room goes on', async () => {
  await using app = await startApp()
  const id = await app.upload('note.txt', Buffer.from('note'))
  await using ann = await joined(app, id)
  await using bea = await joined(app, id, messagePack === undefined ? {} : { way: messagePack })
  const deep = JSON.parse(`${'['.repeat(150)}${']'.repeat(150)}`)
  await expect(ann.invoke('UpdateAwareness', id, deep)).rejects.toThrow('[awareness-too-large]')
  await ann.invoke('SendUpdate', id, typed(['on']).updates[0])
  expect(await bea.heard('ReceiveUpdate')).toHaveLength(1)
})

test('who could not be taken off the list is shown for a minute, not for ever, and the others are told', async () => {
  let now = new Date()
  await using app = await startApp({ overrides: { clock: () => now } })
  const id = await app.upload('note.txt', Buffer.from('note'))
  await using ann = await joined(app, id, { name: 'Ann' })
  const cyd = await joined(app, id, { name: 'Cyd' })
  const run = app.deps.commits.run.bind(app.deps.commits)
  let failing = 1
  app.deps.commits.run = (work) =>
    failing-- > 0 ? Promise.reject(new Error('database is locked')) : run(work)

  await cyd.connection.stop()
  expect(await ann.heard('UserLeft')).toHaveLength(1)
  for (let passed = 0; passed < 90; passed += 15) {
    now = new Date(now.getTime() + 15_000)
    await app.hub.renew()
  }
  expect(await ann.invoke('GetConnectedUsers', id)).toMatchObject([{ userName: 'Ann' }])
})

test('upgrades with wrong tokens are counted as all other failures to get in', async () => {
  await using app = await startApp({ env: { AUTH_RATE_LIMIT_MAX: '5' } })
  const statuses: number[] = []
  for (let attempt = 0; attempt < 8; attempt += 1) statuses.push(await upgradeStatus(app.url))
  expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429, 429])
  const negotiated = await fetch(`${app.url}/hubs/document/negotiate?negotiateVersion=1`, { method: 'POST' })
  expect(negotiated.status).toBe(429)
})

async function upgradeStatus(url: string): Promise<number> {
  const { WebSocket } = await import('ws')
  const socket = new WebSocket(`${url.replace('http', 'ws')}/hubs/document?access_token=wrong`)
  return new Promise((resolve, reject) => {
    socket.once('unexpected-response', (_request, response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
    socket.once('open', () => reject(new Error('let in')))
    socket.once('error', () => {})
  })
}
