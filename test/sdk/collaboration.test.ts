import { afterAll, expect, test } from 'vitest'
import * as Y from 'yjs'
import { startApp } from '../support/app.ts'
import { until } from '../support/both.ts'
import { startCutLine } from './cut-line.ts'
import { newNote, openFor, reads, saved, synced, told, write } from './support.ts'

const app = await startApp()
afterAll(() => app[Symbol.asyncDispose]())

test('what one writes the other reads, and a third who comes later reads all', async () => {
  const id = await newNote(app)
  using ann = openFor(app, id)
  using bea = openFor(app, id)
  await synced(ann, bea)
  write(ann, 'From Ann. ')
  await reads(bea, (text) => text === 'From Ann. ')
  write(bea, 'From Bea.')
  await reads(ann, (text) => text === 'From Ann. From Bea.')
  await saved(ann, bea)

  using cyd = openFor(app, id)
  await synced(cyd)
  expect(cyd.text.toString()).toBe('From Ann. From Bea.')
  expect(cyd.collaboration.isSaved).toBe(true)
  expect([...ann.errors, ...bea.errors, ...cyd.errors]).toEqual([])
})

test('what the document had before, and what is written before it is synced, is shared too', async () => {
  const id = await newNote(app)
  const doc = new Y.Doc()
  doc.getText('note').insert(0, 'Before. ')
  using ann = openFor(app, id, { doc })
  write(ann, 'At once.')
  expect(ann.collaboration.isSaved).toBe(false)
  using bea = openFor(app, id)
  await reads(bea, (text) => text === 'Before. At once.')
})

test('what both write without a connection is there on return, nothing twice', async () => {
  const id = await newNote(app)
  await using line = await startCutLine(app.url)
  using ann = openFor(app, id, { serverUrl: line.url })
  using bea = openFor(app, id, { serverUrl: line.url })
  await synced(ann, bea)
  write(ann, 'Together. ')
  await reads(bea, (text) => text === 'Together. ')
  const offline = [ann, bea].map((person) => told(person, 'status', (status) => status === 'offline'))
  line.cut({ isBack: false })
  await Promise.all(offline)
  write(ann, 'Ann alone. ')
  write(bea, 'Bea alone. ')
  expect([ann.collaboration.isSaved, ann.collaboration.isSynced]).toEqual([false, false])

  line.mend()
  await synced(ann, bea)
  await saved(ann, bea)
  await until(() => ann.text.toString() === bea.text.toString())
  expect(ann.text.toString().split('. ').toSorted()).toEqual(['', 'Ann alone', 'Bea alone', 'Together'])
})

test('a service that is not there yet is found as soon as it is', async () => {
  const id = await newNote(app)
  await using line = await startCutLine(app.url)
  line.cut({ isBack: false })
  using ann = openFor(app, id, { serverUrl: line.url })
  await told(ann, 'status', (status) => status === 'offline')
  expect(ann.errors).toEqual(['connection-failed'])
  line.mend()
  await synced(ann)
})

test('whoever disconnects stays away until told to connect', async () => {
  const id = await newNote(app)
  using ann = openFor(app, id)
  using bea = openFor(app, id)
  await synced(ann, bea)
  ann.collaboration.disconnect()
  expect(ann.collaboration.status).toBe('offline')
  write(ann, 'Later')
  write(bea, 'Now ')
  await saved(bea)
  expect(bea.text.toString()).toBe('Now ')
  ann.collaboration.connect()
  await reads(bea, (text) => text.includes('Later'))
  await saved(ann)
  expect(ann.text.toString()).toBe(bea.text.toString())
})

test('what was written last before it is ended is sent, too', async () => {
  const id = await newNote(app)
  using bea = openFor(app, id)
  {
    using ann = openFor(app, id)
    await synced(ann, bea)
    write(ann, 'First ')
    await reads(bea, (text) => text === 'First ')
    write(ann, 'and last')
  }
  await reads(bea, (text) => text === 'First and last')
})

test('saved is told only when the service has said so', async () => {
  const id = await newNote(app)
  await using line = await startCutLine(app.url)
  using ann = openFor(app, id, { serverUrl: line.url })
  using bea = openFor(app, id)
  await synced(ann, bea)
  const heard: boolean[] = []
  ann.collaboration.on('saved', (isSaved) => heard.push(isSaved))
  line.hold()
  write(ann, 'Kept?')
  await reads(bea, (text) => text === 'Kept?')
  expect(heard).toEqual([false])
  line.release()
  await saved(ann)
  expect(heard).toEqual([false, true])
})

test('many changes at once are one message, and none comes back', async () => {
  const id = await newNote(app)
  using ann = openFor(app, id)
  using bea = openFor(app, id)
  await synced(ann, bea)
  let received = 0
  let returned = 0
  bea.doc.on('update', () => received++)
  ann.doc.on('update', (_update: Uint8Array, origin: unknown) => {
    if (origin === ann.collaboration) returned++
  })
  for (const character of 'a hundred characters typed by a very fast typist') write(ann, character)
  const unsaved: boolean[] = []
  bea.collaboration.on('saved', (isSaved) => unsaved.push(isSaved))
  await reads(bea, (text) => text.endsWith('typist'))
  await saved(ann)
  expect(unsaved).toEqual([])
  expect(received).toBe(1)
  expect(returned).toBe(0)
})

test('carets are seen with their names, and gone with their owners', async () => {
  const id = await newNote(app)
  await using line = await startCutLine(app.url)
  using ann = openFor(app, id, { user: { name: 'Ann', color: '#aa0000' }, serverUrl: line.url })
  using bea = openFor(app, id, { user: { name: 'Bea', color: '#0000aa' } })
  await synced(ann, bea)
  const seen = () => bea.collaboration.awareness.getStates().get(ann.doc.clientID)
  ann.collaboration.awareness.setLocalStateField('caret', 7)
  await until(() => seen()?.caret === 7)
  expect(seen()?.user).toEqual({ name: 'Ann', color: '#aa0000' })
  expect(bea.collaboration.users.map(({ userName, userColor }) => [userName, userColor]).toSorted()).toEqual([
    ['Ann', '#aa0000'],
    ['Bea', '#0000aa'],
  ])

  line.cut({ isBack: false })
  await until(() => seen() === undefined)
  await until(() => bea.collaboration.users.length === 1)
  await until(() => ann.collaboration.awareness.getStates().size === 1)
  line.mend()
  await until(() => seen()?.caret === 7)
  await until(() => ann.collaboration.awareness.getStates().size === 2)

  ann.collaboration.disconnect()
  await until(() => seen() === undefined)
})

test('a token that is refused ends it; a fresh one after an expired one goes on', async () => {
  const id = await newNote(app)
  using stranger = openFor(app, id, { token: 'nonsense' })
  await told(stranger, 'status', (status) => status === 'ended')
  expect(stranger.errors).toEqual(['token-refused'])

  const given = ['expired', app.token]
  using ann = openFor(app, id, { token: async () => given.shift() ?? 'asked too often' })
  await synced(ann)
  expect([ann.errors, given]).toEqual([[], []])
})

test('a document that is not there ends it', async () => {
  using ann = openFor(app, '01990000-0000-7000-8000-000000000000')
  await told(ann, 'status', (status) => status === 'ended')
  expect(ann.errors).toEqual(['join-refused'])
})
