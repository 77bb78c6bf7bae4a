import { afterAll, expect, test } from 'vitest'
import * as Y from 'yjs'
import { quarantine } from '../../src/core/updates/quarantine.ts'
import { joined, typed } from '../hub/support.ts'
import { startApp } from '../support/app.ts'
import { newNote, openFor, reads, saved, synced, told, write } from './support.ts'

const app = await startApp()
afterAll(() => app[Symbol.asyncDispose]())

/** Gives the first version back. */
async function restore(documentId: string): Promise<void> {
  const version = (await app.versions(documentId)).at(-1)
  const path = `/api/documents/${documentId}/versions/${version?.id}/restore`
  expect((await app.fetch(path, { method: 'POST' })).status).toBe(200)
}

test('a document that is restored ends it, for those who were away too, and the new content stays alone', async () => {
  const id = await newNote(app)
  using ann = openFor(app, id)
  using away = openFor(app, id)
  await synced(ann, away)
  write(ann, 'Old')
  await reads(away, (text) => text === 'Old')
  away.collaboration.disconnect()
  const restored = told(ann, 'restored')
  await restore(id)

  expect((await restored).versionNumber).toBeGreaterThan(1)
  expect(ann.collaboration.status).toBe('ended')
  const noticed = told(away, 'restored')
  away.collaboration.connect()
  expect(await noticed).toEqual({ versionNumber: undefined })
  ann.collaboration.connect()
  expect([ann.collaboration.status, away.collaboration.status]).toEqual(['ended', 'ended'])

  using fresh = openFor(app, id)
  await synced(fresh)
  expect(fresh.text.toString()).toBe('')
})

test('who had nothing of it yet and was away notices the restoration, too', async () => {
  const id = await newNote(app)
  using away = openFor(app, id)
  await synced(away)
  away.collaboration.disconnect()
  write(away, 'For the old content')
  using ann = openFor(app, id)
  write(ann, 'Old')
  await saved(ann)
  await restore(id)
  const noticed = told(away, 'restored')
  away.collaboration.connect()
  await noticed
  using fresh = openFor(app, id)
  await synced(fresh)
  expect(fresh.text.toString()).toBe('')
})

test('what a page keeps between visits goes on in its epoch, and in no other', async () => {
  const id = await newNote(app)
  const doc = new Y.Doc()
  const kept = { doc, epoch: 0 }
  {
    using first = openFor(app, id, { doc: new Y.Doc() })
    expect(first.collaboration.epoch).toBeUndefined()
    write(first, 'Kept.')
    await synced(first)
    await saved(first)
    Y.applyUpdate(doc, Y.encodeStateAsUpdate(first.doc))
    kept.epoch = first.collaboration.epoch ?? Number.NaN
  }
  doc.getText('note').insert(5, ' Written before the visit.')
  {
    using second = openFor(app, id, { ...kept, doc: copyOf(doc) })
    await saved(second)
    expect([second.collaboration.epoch, second.text.toString()]).toEqual([
      kept.epoch,
      'Kept. Written before the visit.',
    ])
  }
  await restore(id)
  using third = openFor(app, id, { ...kept, doc: copyOf(doc), connect: false })
  const restored = told(third, 'restored')
  third.collaboration.connect()
  expect(await restored).toEqual({ versionNumber: undefined })
  expect(third.collaboration.status).toBe('ended')
  using fresh = openFor(app, id)
  await synced(fresh)
  expect(fresh.text.toString()).toBe('')
  expect(fresh.collaboration.epoch).toBeGreaterThan(kept.epoch)
})

test('what somebody else lost on the way neither ends it nor is sent by others', async () => {
  const id = await newNote(app)
  await using raw = await joined(app, id)
  const [first, second, third] = typed(['a', 'b', 'c']).updates
  await raw.invoke('SendUpdate', id, first)
  await raw.invoke('SendUpdate', id, third)
  using ann = openFor(app, id)
  await synced(ann)
  expect(ann.collaboration.isSaved).toBe(true)
  ann.collaboration.disconnect()
  ann.text.insert(0, 'Offline. ')
  ann.collaboration.connect()
  await saved(ann)
  ann.collaboration.disconnect()
  ann.text.insert(0, 'Again ')
  ann.collaboration.connect()
  await saved(ann)
  expect([ann.collaboration.status, ann.errors]).toEqual(['connected', []])

  const heard = await raw.heard('ReceiveUpdate', 2)
  const fromAnn = heard.map(([update]) => Buffer.from(String(update), 'base64'))
  const clients = fromAnn.flatMap((update) => [...Y.parseUpdateMeta(update).to.keys()])
  expect([...new Set(clients)]).toEqual([ann.doc.clientID])

  await raw.invoke('SendUpdate', id, second)
  await reads(ann, (text) => text === 'Again Offline. abc')
})

test('what lacks something in the own document is not sent, and all is saved without it', async () => {
  const id = await newNote(app)
  const [first = '', second = '', third = ''] = typed(['a', 'b', 'c']).updates
  const doc = new Y.Doc()
  for (const update of [first, third]) Y.applyUpdate(doc, Buffer.from(update, 'base64'))
  using ann = openFor(app, id, { doc })
  await saved(ann)
  using bea = openFor(app, id)
  await synced(bea)
  expect([bea.text.toString(), bea.doc.store.pendingStructs]).toEqual(['a', null])

  Y.applyUpdate(doc, Buffer.from(second, 'base64'))
  await reads(bea, (text) => text === 'abc')
})

test('what the service put aside for its faults ends nobody who has it, and their own goes on', async () => {
  const id = await newNote(app)
  await using raw = await joined(app, id)
  using ann = openFor(app, id)
  await synced(ann)
  await raw.invoke('SendUpdate', id, typed(['good']).updates[0])
  await raw.invoke('SendUpdate', id, typed(['heavy'], 8).updates[0])
  await reads(ann, (text) => text.includes('good') && text.includes('heavy'))
  const rows = await app.deps.database
    .selectFrom('updates')
    .selectAll()
    .where('document_id', '=', id)
    .orderBy('seq')
    .execute()
  await quarantine(app.deps, rows, 1, 'time')
  write(ann, ' mine')
  await saved(ann)
  ann.collaboration.disconnect()
  write(ann, ' offline')
  ann.collaboration.connect()
  await saved(ann)
  expect([ann.collaboration.status, ann.errors]).toEqual(['connected', []])
  using late = openFor(app, id)
  await synced(late)
  expect(late.text.toString()).toBe(ann.text.toString())
})

function copyOf(doc: Y.Doc): Y.Doc {
  const copy = new Y.Doc()
  Y.applyUpdate(copy, Y.encodeStateAsUpdate(doc))
  return copy
}
