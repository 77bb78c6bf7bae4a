import { afterAll, expect, test, vi } from 'vitest'
import { Problem, type ProblemCode } from '../../src/errors.ts'
import { startApp } from '../support/app.ts'
import { newNote, openFor, reads, saved, synced, told, write } from './support.ts'

const app = await startApp()
afterAll(() => app[Symbol.asyncDispose]())

const embedToken = async (documentId: string, permissions: string[]) => {
  const answer = await app.fetch('/api/embed', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ documentId, permissions, user: { id: 'bea', name: 'Bea' } }),
  })
  return ((await answer.json()) as { token: string }).token
}

/** The next update that anybody sends is refused. */
const refuseNext = (code: ProblemCode) =>
  vi.spyOn(app.deps.commits, 'run').mockRejectedValueOnce(new Problem(code))

/** Deeper than the service takes. */
const nested = (depth: number): unknown[] => (depth === 0 ? [] : [nested(depth - 1)])

test('whoever may only view reads along, and is told that what is written here stays here', async () => {
  const id = await newNote(app)
  using ann = openFor(app, id)
  using viewer = openFor(app, id, { token: await embedToken(id, ['view']) })
  await synced(ann, viewer)
  write(ann, 'To be read.')
  await reads(viewer, (text) => text === 'To be read.')
  const error = told(viewer, 'error')
  write(viewer, 'Mine.')
  expect((await error).code).toBe('read-only')
  write(ann, ' And more.')
  await reads(viewer, (text) => text.includes(' And more.'))
  expect(ann.text.toString()).toBe('To be read. And more.')
  expect([viewer.collaboration.isSaved, viewer.errors]).toEqual([false, ['read-only']])
})

test('one change larger than a message is told of, harms nothing, and is over when it is undone', async () => {
  const id = await newNote(app)
  using ann = openFor(app, id, { maxMessageBytes: 4096 })
  using bea = openFor(app, id)
  await synced(ann, bea)
  write(ann, 'Small. ')
  await reads(bea, (text) => text === 'Small. ')
  const error = told(ann, 'error')
  ann.text.insert(0, 'x'.repeat(5000))
  expect((await error).code).toBe('update-too-large')
  write(bea, 'From Bea. ')
  await reads(ann, (text) => text.endsWith('From Bea. '))
  expect([ann.collaboration.status, ann.collaboration.isSaved]).toEqual(['connected', false])

  ann.text.delete(0, 5000)
  await saved(ann)
  write(ann, 'Well again.')
  await reads(bea, (text) => text === 'Small. From Bea. Well again.')
  expect(ann.errors).toEqual(['update-too-large'])
})

test('changes that together are larger than a message are sent one by one', async () => {
  const id = await newNote(app)
  using ann = openFor(app, id, { maxMessageBytes: 4096, connect: false })
  for (const character of ['a', 'b', 'c']) write(ann, character.repeat(2000))
  ann.collaboration.connect()
  await synced(ann)
  await saved(ann)
  using bea = openFor(app, id)
  await synced(bea)
  expect(bea.text.toString()).toBe(ann.text.toString())
  expect(bea.text.length).toBe(6000)
})

test('a change that is refused is told of once, and when it is undone all that followed is shared', async () => {
  const id = await newNote(app)
  using ann = openFor(app, id)
  using bea = openFor(app, id)
  await synced(ann, bea)
  const error = told(ann, 'error')
  const values = ann.doc.getArray('values')
  values.push(nested(300))
  expect((await error).code).toBe('update-refused')
  write(ann, 'Typed after it. ')
  write(bea, 'From Bea. ')
  await reads(ann, (text) => text.includes('From Bea. '))
  expect([ann.collaboration.status, ann.collaboration.isSaved]).toEqual(['connected', false])

  values.delete(0, 1)
  await saved(ann)
  write(ann, 'Well again.')
  await reads(bea, (text) => text.includes('Typed after it. ') && text.endsWith('Well again.'))
  expect(ann.errors).toEqual(['update-refused'])
})

test('a change that is refused is sent again by itself, with what was written meanwhile', async () => {
  const id = await newNote(app)
  using ann = openFor(app, id)
  using bea = openFor(app, id)
  await synced(ann, bea)
  refuseNext('update-invalid')
  const error = told(ann, 'error')
  write(ann, 'Refused. ')
  expect((await error).code).toBe('update-refused')
  write(ann, 'Meanwhile.')
  await reads(bea, (text) => text === 'Refused. Meanwhile.')
  await saved(ann)

  // Another one is another matter.
  refuseNext('shared-state-too-large')
  write(ann, ' Another.')
  await reads(bea, (text) => text.endsWith(' Another.'))
  await saved(ann)
  expect(ann.errors).toEqual(['update-refused', 'update-refused'])
})

test('a change that is refused because of a restoration is no error but the restoration', async () => {
  const id = await newNote(app)
  using ann = openFor(app, id)
  await synced(ann)
  refuseNext('document-restored')
  const restored = told(ann, 'restored')
  write(ann, 'Too late.')
  expect(await restored).toEqual({ versionNumber: undefined })
  expect([ann.collaboration.status, ann.errors]).toEqual(['ended', []])
})
