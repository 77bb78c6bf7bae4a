import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { startApp, type TestApp } from '../support/app.ts'
import { makeDocx } from '../support/files.ts'
import { connect, joined, textOf, typed, WAYS } from './support.ts'

let app: TestApp

beforeAll(async () => {
  app = await startApp()
})
afterAll(() => app[Symbol.asyncDispose]())

const newDocument = () => app.upload('note.docx', makeDocx(['One']))

describe.each(WAYS)('$name', (way) => {
  test('what one types the others get in order, and who comes later gets the whole', async () => {
    const id = await newDocument()
    await using ann = await joined(app, id, { way, name: 'Ann' })
    await using bea = await joined(app, id, { way, name: 'Bea' })
    const { updates } = typed(['a', 'b', 'c', 'd', 'e'])

    for (const update of updates) expect(await ann.invoke('SendUpdate', id, update)).toBeNull()

    const received = await bea.heard('ReceiveUpdate', 5)
    expect(received).toEqual(updates.map((update) => [update, ann.connection.connectionId, id]))
    expect(ann.told.ReceiveUpdate).toEqual([])
    await using cyd = await joined(app, id, { way, name: 'Cyd' })
    const state = await cyd.invoke('RequestSync', id)
    expect(textOf(state)).toBe('abcde')
    const [full] = await cyd.heard('ReceiveFullState')
    expect(full).toEqual([state, expect.any(String), id, 1])
  })

  test('who is there, comes and goes', async () => {
    const id = await newDocument()
    await using ann = await joined(app, id, { way, name: 'Ann', color: '#FF6B6B' })
    const bea = await joined(app, id, { way, name: 'Bea' })
    const [annId, beaId] = [ann.connection.connectionId, bea.connection.connectionId]
    const isColor = expect.stringMatching(/^#[\da-f]{6}$/i)

    expect(await ann.heard('UserJoined')).toEqual([[beaId, 'Bea', isColor, id]])
    const users = await ann.invoke('GetConnectedUsers', id)
    expect(users).toMatchObject([
      { connectionId: annId, userName: 'Ann', userColor: '#FF6B6B', source: 'hub' },
      { connectionId: beaId, userName: 'Bea', source: 'hub' },
    ])
    expect(bea.told.UserList).toEqual([[users, id]])

    await bea.connection.stop()
    expect(await ann.heard('UserLeft')).toEqual([[beaId, id]])
    expect(await ann.invoke('GetConnectedUsers', id)).toHaveLength(1)
  })
})

test('names are matched ignoring case, aliases too, with one to three arguments', async () => {
  const id = await newDocument()
  await using ann = await connect(app, { token: app.token })
  await using bea = await connect(app, { token: app.token })
  const [update] = typed(['x']).updates

  expect(await ann.invoke('joindocument', id)).toBeNull()
  expect(await bea.invoke('JOINDOCUMENT', id, 'Bea')).toBeNull()
  await ann.invoke('sendyjsupdate', id, update)
  expect(await bea.heard('ReceiveUpdate')).toHaveLength(1)
  for (const name of ['RequestState', 'RequestFullState', 'GetDocumentState', 'requestsync'])
    expect(textOf(await bea.invoke(name, id))).toBe('x')
  for (const name of ['GetUsers', 'GetActiveUsers']) expect(await bea.invoke(name, id)).toHaveLength(2)
  for (const name of ['SendAwareness', 'UpdateCursor', 'SendCursor', 'UpdateAwareness'])
    await ann.invoke(name, id, 'cursor')
  expect(await bea.heard('ReceiveAwareness', 4)).toEqual(
    Array(4).fill(['cursor', ann.connection.connectionId, id]),
  )
})

test('a state vector brings only what its owner lacks', async () => {
  const id = await newDocument()
  await using ann = await joined(app, id)
  const { doc, updates } = typed(['first ', 'second'])
  const known = new Y.Doc()
  Y.applyUpdate(known, Buffer.from(updates[0] ?? '', 'base64'))
  for (const update of updates) await ann.invoke('SendUpdate', id, update)

  const vector = Buffer.from(Y.encodeStateVector(known)).toString('base64')
  const state = await ann.invoke<string>('RequestSync', id, vector)

  expect(Buffer.from(state, 'base64').length).toBeLessThan(Y.encodeStateAsUpdate(doc).length)
  Y.applyUpdate(known, Buffer.from(state, 'base64'))
  expect(known.getText('note').toString()).toBe('first second')
  const serverVector = String(ann.told.ReceiveFullState[0]?.[1])
  expect(Buffer.from(serverVector, 'base64')).toEqual(Buffer.from(Y.encodeStateVector(doc)))
})

test('who comes sees the cursors of those who are there', async () => {
  const id = await newDocument()
  await using ann = await joined(app, id)
  await ann.invoke('UpdateAwareness', id, { cursor: { index: 3 } })
  await using bea = await joined(app, id)
  expect(await bea.heard('ReceiveAwareness')).toEqual([
    [{ cursor: { index: 3 } }, ann.connection.connectionId, id],
  ])
})

test('a bad colour is replaced and a long name cut', async () => {
  const id = await newDocument()
  await using ann = await joined(app, id, { name: 'x'.repeat(300), color: 'red;background:url(//evil)' })
  expect(await ann.invoke('GetConnectedUsers', id)).toMatchObject([
    { userName: 'x'.repeat(100), userColor: expect.stringMatching(/^#[\da-f]{6}$/) },
  ])
})

test('REST and hub tell the same of who is there', async () => {
  const id = await newDocument()
  await using ann = await joined(app, id, { name: 'Ann' })
  const join = await app.fetch('/api/collaboration/join', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ documentId: id, userId: 'rest', userName: 'Rest' }),
  })
  expect(join.status).toBe(200)

  const { activeUsers } = (await (await app.fetch(`/api/collaboration/${id}`)).json()) as {
    activeUsers: { userName: string }[]
  }
  const users = await ann.invoke<{ userName: string; connectionId: string | null }[]>('GetConnectedUsers', id)
  expect(activeUsers.map(({ userName }) => userName).toSorted()).toEqual(['Ann', 'Rest'])
  expect(users).toMatchObject([
    { userName: 'Ann', connectionId: ann.connection.connectionId },
    { userName: 'Rest', connectionId: null, source: 'api' },
  ])
})

test('after leaving nothing comes any more, and sending is refused', async () => {
  const id = await newDocument()
  await using ann = await joined(app, id)
  await using bea = await joined(app, id)
  const { updates } = typed(['a', 'b'])
  expect(await bea.invoke('LeaveDocument', id)).toBeNull()
  expect(await bea.invoke('LeaveDocument', id)).toBeNull()
  expect(await ann.heard('UserLeft')).toHaveLength(1)

  await ann.invoke('SendUpdate', id, updates[0])
  await expect(bea.invoke('SendUpdate', id, updates[1])).rejects.toThrow('[not-joined]')
  await expect(bea.invoke('UpdateAwareness', id, 'x')).rejects.toThrow('[not-joined]')
  expect(bea.told.ReceiveUpdate).toEqual([])
})

describe('a replaced content', () => {
  const replace = (id: string, how: 'restore' | 'json' | 'upload') => {
    const form = new FormData()
    form.append('file', new Blob([new Uint8Array(makeDocx(['Two']))]), 'note.docx')
    if (how === 'upload') return app.fetch(`/api/documents/${id}/content`, { method: 'PUT', body: form })
    if (how === 'json')
      return app.fetch(`/api/documents/${id}`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ jsonContent: '{"type":"doc","content":[]}' }),
      })
    return app
      .versions(id)
      .then(([version]) =>
        app.fetch(`/api/documents/${id}/versions/${version?.id}/restore`, { method: 'POST' }),
      )
  }

  test.each(['restore', 'json', 'upload'] as const)('by %s starts a new, empty epoch', async (how) => {
    const id = await newDocument()
    await using ann = await joined(app, id)
    await using bea = await joined(app, id)
    const { updates } = typed(['old', 'late'])
    await ann.invoke('SendUpdate', id, updates[0])

    expect((await replace(id, how)).ok).toBe(true)

    const versions = await app.versions(id)
    const newest = Math.max(...versions.map(({ versionNumber }) => versionNumber))
    expect(await ann.heard('DocumentRestored')).toEqual([[id, newest]])
    await bea.heard('DocumentRestored')
    await expect(ann.invoke('SendUpdate', id, updates[1])).rejects.toThrow('[document-restored]')
    expect(textOf(await ann.invoke('RequestSync', id))).toBe('')

    const fresh = typed(['new'], 8)
    await ann.invoke('JoinDocument', id)
    await ann.invoke('SendUpdate', id, fresh.updates[0])
    expect(textOf(await ann.invoke('RequestSync', id))).toBe('new')
    // Whoever did not join again is not mixed up with the new content.
    await bea.invoke('JoinDocument', id)
    expect(bea.told.ReceiveUpdate).toHaveLength(1)
    expect(textOf(await bea.invoke('RequestSync', id))).toBe('new')
  })
})

test('a content replaced before anything was shared ends what was joined before, too', async () => {
  const id = await newDocument()
  await using ann = await joined(app, id)
  const [version] = await app.versions(id)
  await app.fetch(`/api/documents/${id}/versions/${version?.id}/restore`, { method: 'POST' })
  expect(await ann.heard('DocumentRestored')).toEqual([[id, 2]])
  await expect(ann.invoke('SendUpdate', id, typed(['of the old']).updates[0])).rejects.toThrow(
    '[document-restored]',
  )
})

test('a deleted document takes nothing more', async () => {
  const id = await newDocument()
  await using ann = await joined(app, id)
  const { updates } = typed(['a', 'b'])
  await ann.invoke('SendUpdate', id, updates[0])
  await app.fetch(`/api/documents/${id}`, { method: 'DELETE' })
  await expect(ann.invoke('SendUpdate', id, updates[1])).rejects.toThrow('[document-not-found]')
  await expect(ann.invoke('JoinDocument', id)).rejects.toThrow('[document-not-found]')

  await app.fetch(`/api/documents/${id}/undelete`, { method: 'POST' })
  await ann.invoke('SendUpdate', id, updates[1])
  expect(textOf(await ann.invoke('RequestSync', id))).toBe('ab')
})

describe('bad input harms nobody else', () => {
  test.each([
    ['no Base64', 'SendUpdate', '%%%%', '[validation-failed]'],
    ['Base64 without padding', 'SendUpdate', 'AAA', '[validation-failed]'],
    ['a number', 'SendUpdate', 17, '[validation-failed]'],
    ['nothing', 'SendUpdate', undefined, '[validation-failed]'],
    ['bytes that are no update', 'SendUpdate', Buffer.from('hello').toString('base64'), '[update-invalid]'],
    [
      '2^28 structs in few bytes',
      'SendUpdate',
      Buffer.from([1, 0x80, 0x80, 0x80, 0x80, 1, 7, 0]).toString('base64'),
      '[update-invalid]',
    ],
    ['awareness of 100 KB', 'UpdateAwareness', 'x'.repeat(100_000), '[awareness-too-large]'],
    ['no awareness', 'UpdateAwareness', undefined, '[validation-failed]'],
    ['a bad state vector', 'RequestSync', 'AQ==', '[update-invalid]'],
  ])('%s', async (_name, method, argument, code) => {
    const id = await newDocument()
    await using ann = await joined(app, id)
    await using bea = await joined(app, id)
    await expect(ann.invoke(method, id, argument)).rejects.toThrow(code)

    const [update] = typed(['fine']).updates
    await ann.invoke('SendUpdate', id, update)
    expect(await bea.heard('ReceiveUpdate')).toHaveLength(1)
    expect(textOf(await bea.invoke('RequestSync', id))).toBe('fine')
  })

  test('awareness of a megabyte closes that connection alone', async () => {
    const id = await newDocument()
    await using ann = await joined(app, id, { delays: [] })
    await using bea = await joined(app, id)
    await expect(ann.invoke('UpdateAwareness', id, 'x'.repeat(1_100_000))).rejects.toThrow()
    expect(await bea.heard('UserLeft')).toHaveLength(1)
    expect(await bea.invoke('GetConnectedUsers', id)).toHaveLength(1)
  })

  test.each([undefined, null, '', 17, {}, 'x'.repeat(1000)])('the document id %s', async (id) => {
    await using ann = await connect(app, { token: app.token })
    await expect(ann.invoke('JoinDocument', id)).rejects.toThrow('[validation-failed]')
  })

  test('an unknown document and an unknown method', async () => {
    await using ann = await connect(app, { token: app.token })
    await expect(ann.invoke('JoinDocument', crypto.randomUUID())).rejects.toThrow('[document-not-found]')
    await expect(ann.invoke('Explode')).rejects.toThrow('Method does not exist')
  })

  test('joining again and again is joining once', async () => {
    const id = await newDocument()
    await using ann = await joined(app, id)
    await using bea = await joined(app, id)
    const joins = Array.from({ length: 500 }, () => ann.invoke('JoinDocument', id))
    await Promise.all(joins)
    expect(await bea.invoke('GetConnectedUsers', id)).toHaveLength(2)
    expect(bea.told.UserJoined).toEqual([])
  })

  test('one connection joins a hundred documents, not more', async () => {
    await using ann = await connect(app, { token: app.token })
    const ids: string[] = []
    for (let at = 0; at < 101; at += 1) ids.push(await app.upload('n.txt', Buffer.from(`note ${at}`)))
    for (const id of ids.slice(0, 100)) await ann.invoke('JoinDocument', id)
    await expect(ann.invoke('JoinDocument', ids[100])).rejects.toThrow('[too-many-documents]')
    await ann.invoke('LeaveDocument', ids[0])
    await ann.invoke('JoinDocument', ids[100])
  })
})
