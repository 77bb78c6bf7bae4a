import { expect, test } from 'vitest'
import { RemoteDeliveries } from '../../src/core/remote/delivery.ts'
import { HttpRemoteFiles } from '../../src/remote/http-remote-files.ts'
import { ADMIN_TOKEN, startApp } from '../support/app.ts'
import { until } from '../support/both.ts'
import { isSignedWith, sha256 } from './file-manager.ts'
import { deliver, edit, link, links, open, PATH, secret, startScene, stateOf, textAt } from './scene.ts'

test('what is typed arrives where the file is kept, byte for byte and signed', async () => {
  await using scene = await startScene()
  const { both, manager } = scene
  const documentId = await edit(scene, 'typed here')
  await deliver(both.app)

  expect(textAt(manager)).toEqual(['typed here', 'Two'])
  expect(manager.files.get(PATH)).toEqual(await both.app.download(documentId))
  const [put] = manager.puts()
  expect(put?.headers).toMatchObject({
    'content-length': String(put?.body.length),
    'content-type': 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
    'if-match': expect.stringMatching(/^"[0-9a-f]{16}"$/),
  })
  const key = await secret(both)
  expect(manager.requests.map((request) => isSignedWith(key, request))).not.toContain(false)
  expect(isSignedWith('whsec_b3RoZXI=', manager.requests[0] ?? Object.create(null))).toBe(false)
  expect(await stateOf(scene)).toMatchObject({ documentId, state: 'current', lastError: null })
})

test('automatic saves arrive while people type; of several that wait only the newest is sent', async () => {
  await using scene = await startScene()
  const { both, manager, clock } = scene
  const { editor, key } = await open(scene)
  const save = async (text: string) => {
    editor.type(0, text)
    await both.app.deps.docServer?.forcesave(key)
    await both.docServer.settled()
  }
  await save('first')
  await deliver(both.app)
  expect(textAt(manager)[0]).toBe('first')

  manager.trouble = 500
  await save('second')
  await deliver(both.app)
  await save('third')
  manager.trouble = undefined
  clock.pass(6)
  await deliver(both.app)
  expect(textAt(manager)[0]).toBe('third')
  expect(manager.puts().map(({ body }) => sha256(body))).toHaveLength(2)
  expect((await stateOf(scene))?.state).toBe('current')
})

test('a file manager that is down for two minutes gets the save afterwards, once', async () => {
  await using scene = await startScene()
  const { both, manager, clock } = scene
  const { editor } = await open(scene)
  editor.type(0, 'while they are down')
  manager.trouble = 'drop'
  await editor.close()
  await both.docServer.settled()
  for (let seconds = 0; seconds < 120; seconds += 1) {
    await deliver(both.app)
    clock.pass(1)
  }
  expect(await stateOf(scene)).toMatchObject({
    state: 'waiting',
    lastError: expect.stringMatching(/ECONNRESET|hang up/),
  })
  expect(manager.puts()).toEqual([])
  manager.trouble = undefined
  for (let seconds = 0; seconds < 120; seconds += 1) {
    await deliver(both.app)
    clock.pass(1)
  }
  expect(textAt(manager)[0]).toBe('while they are down')
  expect(manager.puts()).toHaveLength(1)
})

test('a save that waits is delivered after a restart', async () => {
  await using scene = await startScene()
  const { both, manager, clock, env } = scene
  manager.troubleWith = 'PUT'
  manager.trouble = 503
  await edit(scene, 'before the restart')
  await deliver(both.app)
  await both.app.close()
  manager.trouble = undefined
  clock.pass(120)
  await using again = await startApp({
    docServer: both.docServer,
    dataDir: both.app.dataDir,
    env,
    overrides: { clock: clock.now },
  })
  await deliver(again)
  expect(textAt(manager)[0]).toBe('before the restart')
  const ids = manager.puts().map(({ headers }) => headers['webhook-id'])
  expect(ids).toEqual([ids[0], ids[0]])
})

test('a process that is killed while it sends leaves the delivery to the next one', async () => {
  await using scene = await startScene()
  const { both, manager, clock } = scene
  const { app } = both
  await edit(scene, 'cut off')
  const killed = new RemoteDeliveries(
    {
      ...app.deps,
      remoteFiles: Object.assign(Object.create(app.deps.remoteFiles), {
        read: app.deps.remoteFiles.read.bind(app.deps.remoteFiles),
        write: () => Promise.reject(new Error('killed')),
      }),
    },
    new AbortController().signal,
  )
  await killed.idle()
  await deliver(app)
  expect(manager.puts()).toEqual([])
  clock.pass(300)
  await deliver(app)
  expect(textAt(manager)[0]).toBe('cut off')
})

test('an answer that never comes is tried again, and what had arrived is not taken for theirs', async () => {
  await using scene = await startScene()
  const { both, manager, clock } = scene
  const { app } = both
  const impatient = {
    ...app.deps,
    remoteFiles: new HttpRemoteFiles([manager.origin], { read: 200, post: 200 }),
  }
  await edit(scene, 'arrives unheard')
  manager.trouble = 'hang'
  await new RemoteDeliveries(impatient, new AbortController().signal).idle()
  expect((await stateOf(scene))?.lastError).toContain('no answer in time')

  manager.troubleWith = 'PUT'
  manager.trouble = 'do it and drop'
  clock.pass(10)
  await deliver(app)
  expect(await stateOf(scene)).toMatchObject({ state: 'waiting' })
  await edit(scene, 'newer')
  manager.trouble = undefined
  clock.pass(60)
  await deliver(app)
  expect(textAt(manager)[0]).toBe('newer')
  expect(await stateOf(scene)).toMatchObject({ state: 'current', conflictDocumentId: null })
})

test('after seven days it is given up, shown as failed, and sent when somebody wants it', async () => {
  await using scene = await startScene()
  const { both, manager, clock } = scene
  manager.troubleWith = 'PUT'
  manager.trouble = 500
  const documentId = await edit(scene, 'refused for long')
  for (let hours = 0; hours < 7 * 24 + 2; hours += 1) {
    await deliver(both.app)
    clock.pass(4000)
  }
  const [failed] = await links(both, '?state=failed', ADMIN_TOKEN)
  expect(failed).toMatchObject({ lastError: 'answered 500', nextAttemptAt: null })
  manager.trouble = undefined
  const retry = await both.app.fetch(`/api/links/${documentId}/retry`, {
    method: 'POST',
    as: ADMIN_TOKEN,
  })
  expect([retry.status, await retry.json()]).toEqual([200, expect.objectContaining({ state: 'waiting' })])
  await deliver(both.app)
  expect(textAt(manager)[0]).toBe('refused for long')
})

test.each(['weak', 'none'] as const)('servers with %s ETags are served by comparing bytes', async (etags) => {
  await using scene = await startScene()
  const { both, manager } = scene
  manager.etags = etags
  await edit(scene, 'one')
  await deliver(both.app)
  await edit(scene, 'two')
  await deliver(both.app)
  expect(textAt(manager)[0]).toBe('two')
  expect(manager.puts().map(({ headers }) => headers['if-match'])).toEqual([undefined, undefined])
  expect(await stateOf(scene)).toMatchObject({ state: 'current', etag: null })
})

test('a webhook is told where to fetch the save, and gets exactly those bytes', async () => {
  await using scene = await startScene()
  const { both, manager } = scene
  const writeBack = { url: `${manager.origin}/hook`, method: 'webhook' }
  const documentId = await edit(scene, 'told of', { writeBack })
  await deliver(both.app)
  const [event] = manager.events()
  expect(event).toMatchObject({
    type: 'file.saved',
    data: { key: 'file-1', documentId, versionNumber: 2, fileType: 'docx', user: { id: 'ann' } },
  })
  expect(manager.requests.map((one) => one.method)).toEqual(['GET', 'GET', 'POST'])
  expect(isSignedWith(await secret(both), manager.requests[2] ?? Object.create(null))).toBe(true)

  const { pathname, search } = new URL(String(event?.data.url))
  const bytes = Buffer.from(await (await fetch(`${both.app.url}${pathname}${search}`)).arrayBuffer())
  expect([bytes.length, sha256(bytes)]).toEqual([event?.data.size, event?.data.sha256])
  expect(bytes).toEqual(await both.app.download(documentId))
  scene.clock.pass(3601)
  expect((await fetch(`${both.app.url}${pathname}${search}`)).status).toBe(403)
})

test('what a webhook answers with an etag is known by it from then on', async () => {
  await using scene = await startScene()
  const { both, manager } = scene
  manager.etags = 'none'
  manager.answers.set('/hook', (_request, response) => response.writeHead(200).end('{"etag":"v2"}'))
  await edit(scene, 'told of', { writeBack: { url: `${manager.origin}/hook`, method: 'webhook' } })
  await deliver(both.app)
  expect(await stateOf(scene)).toMatchObject({ state: 'current', etag: '"v2"' })
})

test('what is saved while a delivery is under way goes out after it, one at a time', async () => {
  await using scene = await startScene()
  const { both, manager } = scene
  const { app } = both
  await edit(scene, 'first')
  const write = app.deps.remoteFiles.write.bind(app.deps.remoteFiles)
  let underWay = 0
  let most = 0
  app.deps.remoteFiles.write = async (request) => {
    underWay += 1
    most = Math.max(most, underWay)
    if (manager.puts().length === 0) await edit(scene, 'second')
    const answer = await write(request)
    underWay -= 1
    return answer
  }
  await Promise.all([deliver(app), deliver(app), deliver(app)])
  expect([most, manager.puts().length, textAt(manager)[0]]).toEqual([1, 2, 'second'])
  expect(await stateOf(scene)).toMatchObject({ state: 'current', attempts: 0 })
})

test('what the editor could only save as another type is not put over the file; a webhook is told of the type', async () => {
  await using scene = await startScene()
  const { both, manager } = scene
  const callbackUrl = `${both.app.url}/api/onlyoffice/callback`
  const saveAsRtf = async (more: object) => {
    const { key } = await open(scene, 'ann', more)
    const url = both.docServer.fileUrl(Buffer.from(`{\\rtf1 ${key}}`))
    await both.docServer.sendCallback(
      key,
      { status: 2, users: ['ann'], url, filetype: 'rtf' },
      { callbackUrl },
    )
  }
  await saveAsRtf({})
  await deliver(both.app)
  expect(manager.puts()).toEqual([])
  expect(await stateOf(scene)).toMatchObject({
    state: 'waiting',
    lastError: 'the editor made a .rtf of the .docx, which a PUT would damage',
  })
  await saveAsRtf({ writeBack: { url: `${manager.origin}/hook`, method: 'webhook' } })
  await deliver(both.app)
  expect(manager.events()).toMatchObject([{ type: 'file.saved', data: { fileType: 'rtf' } }])
})

test('an unlinked file gets its last save, then its document is in the trash and its addresses have ended', async () => {
  await using scene = await startScene()
  const { both, manager, clock } = scene
  const { app } = both
  manager.troubleWith = 'PUT'
  manager.trouble = 500
  const documentId = await edit(scene, 'the last one')
  const { url } = (await link(scene)).json
  await deliver(app)
  expect((await app.fetch(`/api/links/${documentId}`, { method: 'DELETE' })).status).toBe(204)
  await deliver(app)
  expect((await fetch(`${app.url}${new URL(url).pathname}`)).status).toBe(401)
  expect((await app.fetch(`/api/documents/${documentId}`)).status).toBe(200)
  manager.trouble = undefined
  clock.pass(200)
  await deliver(app)
  expect(textAt(manager)[0]).toBe('the last one')
  clock.pass(31)
  await deliver(app)
  expect(await stateOf(scene)).toBeUndefined()
  expect((await app.fetch(`/api/documents/${documentId}`)).status).toBe(404)
})

test('with a revoked key nothing is sent any more', async () => {
  await using scene = await startScene()
  const { both, manager } = scene
  await edit(scene, 'too late')
  await both.app.deps.database.updateTable('api_keys').set({ revoked_at: '2026-01-01' }).execute()
  await deliver(both.app)
  expect(manager.puts()).toEqual([])
  const row = await both.app.deps.database.selectFrom('remote_files').selectAll().executeTakeFirstOrThrow()
  expect(row).toMatchObject({ state: 'failed', last_error: 'the API key was revoked or has expired' })
})

test('the service delivers by itself, and stops while somebody hangs', async () => {
  await using scene = await startScene({ background: true })
  const { both, manager } = scene
  await edit(scene, 'by itself')
  await until(() => textAt(manager)[0] === 'by itself')
  manager.trouble = 'hang'
  manager.troubleWith = 'PUT'
  await edit(scene, 'never answered')
  await until(() => manager.puts().length === 2)
  await both.app.close()
})
