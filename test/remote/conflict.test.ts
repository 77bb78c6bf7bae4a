import { expect, test } from 'vitest'
import { docxParagraphs, makeDocx } from '../support/files.ts'
import { makeWebhook, deliver as sendWebhooks, startReceiver } from '../webhooks/support.ts'
import { deliver, edit, open, PATH, startScene, stateOf, textAt } from './scene.ts'

const CHANGED = makeDocx(['Changed by them', 'Two'])

test('changed on both sides, both are kept: theirs is not overwritten, ours is a document beside it', async () => {
  await using scene = await startScene()
  const { both, manager } = scene
  const { app } = both
  const documentId = await edit(scene, 'typed here')
  manager.files.set(PATH, CHANGED)
  await deliver(app)

  expect(manager.files.get(PATH)).toEqual(CHANGED)
  expect(manager.puts()).toEqual([])
  const link = await stateOf(scene)
  expect(link).toMatchObject({ documentId, state: 'conflict', nextAttemptAt: null })
  expect(docxParagraphs(await app.download(documentId))[0]).toBe('Changed by them')
  const copy = link?.conflictDocumentId ?? ''
  expect(docxParagraphs(await app.download(copy))[0]).toBe('typed here')
  expect(await (await app.fetch(`/api/documents/${copy}`)).json()).toMatchObject({
    title: 'report (conflict 2026-11-21 08.00)',
    folder: '/Linked',
  })
  const { activity } = (await (await app.fetch(`/api/activity?documentId=${documentId}`)).json()) as {
    activity: { action: string }[]
  }
  expect(activity.map(({ action }) => action)).toContain('conflict')

  await edit(scene, 'after the conflict')
  await deliver(app)
  expect(textAt(manager)[0]).toBe('after the conflict')
  expect((await stateOf(scene))?.state).toBe('current')
})

test('webhooks of the workspace are told of the conflict', async () => {
  await using receiver = await startReceiver()
  await using scene = await startScene()
  const { app } = scene.both
  app.deps.webhookSender.demandAllowed = () => {}
  const send = app.deps.webhookSender.send.bind(app.deps.webhookSender)
  app.deps.webhookSender.send = (order) => send({ ...order, mayBeInternal: true })
  await makeWebhook(app, receiver.url, ['document.conflict'])
  const documentId = await edit(scene, 'typed here')
  scene.manager.files.set(PATH, CHANGED)
  await deliver(app)
  await sendWebhooks(app)
  const { conflictDocumentId } = (await stateOf(scene)) ?? {}
  expect(receiver.received.map(({ data }) => data)).toMatchObject([
    { documentId, conflictDocumentId, fileKey: 'file-1' },
  ])
})

test('a change between our look and our PUT is kept where If-Match is heeded', async () => {
  await using scene = await startScene()
  const { both, manager, clock } = scene
  const documentId = await edit(scene, 'typed here')
  // The look finds nothing new; then they change it.
  const read = both.app.deps.remoteFiles.read.bind(both.app.deps.remoteFiles)
  both.app.deps.remoteFiles.read = async (request) => {
    const found = await read(request)
    manager.files.set(PATH, CHANGED)
    return found
  }
  await deliver(both.app)
  expect(manager.puts()).toHaveLength(1)
  expect(manager.files.get(PATH)).toEqual(CHANGED)
  clock.pass(6)
  await deliver(both.app)
  expect(manager.files.get(PATH)).toEqual(CHANGED)
  expect(await stateOf(scene)).toMatchObject({ documentId, state: 'conflict' })
})

test.each(['weak', 'none'] as const)(
  'without a strong ETag (%s) and without If-Match nothing is overwritten either',
  async (etags) => {
    await using scene = await startScene()
    const { both, manager } = scene
    manager.etags = etags
    manager.heedsIfMatch = false
    await edit(scene, 'typed here')
    manager.files.set(PATH, CHANGED)
    await deliver(both.app)
    expect(manager.files.get(PATH)).toEqual(CHANGED)
    expect((await stateOf(scene))?.state).toBe('conflict')
  },
)

test('text that is typed while the conflict is settled is in the copy', async () => {
  await using scene = await startScene()
  const { both, manager } = scene
  const { editor, key, documentId } = await open(scene)
  editor.type(0, 'saved')
  await both.app.deps.docServer?.forcesave(key)
  await both.docServer.settled()
  editor.type(1, 'typed since')
  manager.files.set(PATH, CHANGED)
  await deliver(both.app)
  const copy = (await stateOf(scene))?.conflictDocumentId ?? ''
  expect(docxParagraphs(await both.app.download(copy))).toEqual(['saved', 'typed since'])
  expect(docxParagraphs(await both.app.download(documentId))[0]).toBe('Changed by them')
})

test('a webhook gets ours as a conflict and keeps theirs', async () => {
  await using scene = await startScene()
  const { both, manager, clock } = scene
  const writeBack = { url: `${manager.origin}/hook`, method: 'webhook' }
  const documentId = await edit(scene, 'typed here', { writeBack })
  manager.files.set(PATH, CHANGED)
  manager.troubleWith = 'POST'
  manager.trouble = 500
  await deliver(both.app)
  expect((await stateOf(scene))?.state).toBe('waiting')
  manager.trouble = undefined
  clock.pass(6)
  await deliver(both.app)
  expect(manager.events().map(({ type }) => type)).toEqual(['file.conflict', 'file.conflict'])
  const { pathname, search } = new URL(String(manager.events()[1]?.data.url))
  const ours = Buffer.from(await (await fetch(`${both.app.url}${pathname}${search}`)).arrayBuffer())
  expect(docxParagraphs(ours)[0]).toBe('typed here')
  expect(docxParagraphs(await both.app.download(documentId))[0]).toBe('Changed by them')
  expect((await stateOf(scene))?.state).toBe('conflict')
})

test('what they put there is no document: nothing is overwritten, ours waits and says why', async () => {
  await using scene = await startScene()
  const { both, manager } = scene
  await edit(scene, 'typed here')
  for (const bytes of [Buffer.from('no document'), undefined]) {
    if (bytes === undefined) manager.files.delete(PATH)
    else manager.files.set(PATH, bytes)
    await deliver(both.app)
    scene.clock.pass(60)
    expect(manager.files.get(PATH)).toEqual(bytes)
    expect(await stateOf(scene)).toMatchObject({ state: 'waiting', lastError: expect.stringMatching(/./) })
  }
  expect(manager.puts()).toEqual([])
})
