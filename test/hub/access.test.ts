import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { revokeApiKey } from '../../src/core/api-keys.ts'
import { ADMIN_TOKEN, startApp, type TestApp } from '../support/app.ts'
import { makeDocx } from '../support/files.ts'
import { connect, embedToken, joined, textOf, tokenWith, typed } from './support.ts'

let app: TestApp
let id: string
let workspaceId: string

beforeAll(async () => {
  app = await startApp()
  id = await app.upload('note.docx', makeDocx(['One']))
  const row = await app.deps.database
    .selectFrom('documents')
    .select('workspace_id')
    .where('id', '=', id)
    .executeTakeFirstOrThrow()
  workspaceId = row.workspace_id
})
afterAll(() => app[Symbol.asyncDispose]())

describe('who gets in', () => {
  test.each([
    ['nobody without a token', undefined],
    ['nobody with a wrong token', 'eyJhbGciOiJIUzI1NiJ9.e30.x'],
  ])('%s', async (_name, token) => {
    await expect(connect(app, { token })).rejects.toThrow("Status code '401'")
  })

  test('nobody without collaboration:join', async () => {
    const { token } = await tokenWith(app, ['documents:read', 'documents:write'], workspaceId)
    await expect(connect(app, { token })).rejects.toThrow("Status code '403'")
  })

  test('who may join only reads along', async () => {
    const { token } = await tokenWith(app, ['collaboration:join'], workspaceId)
    await using writer = await joined(app, id)
    await using reader = await joined(app, id, { token })
    const [update] = typed(['seen'], 100).updates
    await writer.invoke('SendUpdate', id, update)
    expect(await reader.heard('ReceiveUpdate')).toHaveLength(1)
    await expect(reader.invoke('SendUpdate', id, update)).rejects.toThrow('[permission-missing]')
  })

  test('another workspace does not have the document', async () => {
    const { token } = await tokenWith(app, ['collaboration:join', 'documents:write'])
    await using stranger = await connect(app, { token })
    await expect(stranger.invoke('JoinDocument', id)).rejects.toThrow('[document-not-found]')
    await expect(stranger.invoke('RequestSync', id)).rejects.toThrow('[document-not-found]')
    await expect(stranger.invoke('GetConnectedUsers', id)).rejects.toThrow('[document-not-found]')
  })

  test('the administrator joins anything', async () => {
    await using administrator = await joined(app, id, { token: ADMIN_TOKEN })
    await administrator.invoke('SendUpdate', id, typed(['admin'], 101).updates[0])
  })

  test.each([
    ['view', false],
    ['comment', false],
    ['edit', true],
  ])('an embed with %s of its document: sends %s', async (permission, maySend) => {
    const document = await app.upload('embedded.docx', makeDocx(['One']))
    const token = await embedToken(app, document, [permission], { id: 'ann', name: 'Ann' })
    await using writer = await joined(app, document)
    await using embedded = await joined(app, document, { token })
    const { updates } = typed(['one', 'two'], 102)
    await writer.invoke('SendUpdate', document, updates[0])
    expect(await embedded.heard('ReceiveUpdate')).toHaveLength(1)
    const sent = embedded.invoke('SendUpdate', document, updates[1])
    if (maySend) await sent
    else await expect(sent).rejects.toThrow('[permission-missing]')
    expect(textOf(await writer.invoke('RequestSync', document))).toBe(maySend ? 'onetwo' : 'one')
    expect(await writer.invoke('GetConnectedUsers', document)).toMatchObject([
      {},
      { userId: 'ann', userName: 'Ann' },
    ])
    await expect(embedded.invoke('JoinDocument', id)).rejects.toThrow('[document-not-found]')
  })
})

describe('what ends', () => {
  test('a revoked key ends its connections for good', async () => {
    const { token, keyId } = await tokenWith(app, ['collaboration:join'], workspaceId)
    await using user = await joined(app, id, { token })
    await using other = await joined(app, id)
    const closed = new Promise<Error | undefined>((resolve) => user.connection.onclose(resolve))
    await revokeApiKey(app.deps, keyId)

    // Known clients are asked for again within ten seconds.
    await expect
      .poll(() => app.hub.withdraw().then(() => user.connection.state), { timeout: 15_000, interval: 500 })
      .toBe('Disconnected')
    expect(String(await closed)).toContain('not valid any more')
    expect(other.connection.state).toBe('Connected')
  })

  test('an ended embed ends its connections', async () => {
    const token = await embedToken(app, id, ['view'])
    await using user = await joined(app, id, { token })
    await app.fetch('/api/embed/revoke', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token }),
    })
    await app.hub.withdraw()
    await expect.poll(() => user.connection.state).toBe('Disconnected')
  })

  test('a token that has expired makes its client come back with a fresh one', async () => {
    let now = new Date()
    await using timed = await startApp({ overrides: { clock: () => now } })
    const document = await timed.upload('note.docx', makeDocx(['One']))
    const fresh = async () => (await tokenWith(timed, ['collaboration:join'])).token
    let token = await fresh()
    await using user = await connect(timed, { token: () => token })
    const first = user.connection.connectionId
    now = new Date(now.getTime() + 2 * 3_600_000)
    token = await fresh()
    await timed.hub.withdraw()
    await expect
      .poll(() => user.connection.state === 'Connected' && user.connection.connectionId !== first)
      .toBe(true)
    expect(document).toBeDefined()
  })
})

test('HUB_ANONYMOUS lets in whoever knows the id, and says so in the log', async () => {
  const warned: string[] = []
  const { pino } = await import('pino')
  const log = pino({ level: 'warn' }, { write: (line: string) => void warned.push(line) })
  await using open = await startApp({ env: { HUB_ANONYMOUS: 'true' }, overrides: { log } })
  const document = await open.upload('note.docx', makeDocx(['One']))
  await using one = await connect(open, {})
  await using two = await connect(open, {})
  await one.invoke('JoinDocument', document, 'John Doe', '#FF6B6B')
  await two.invoke('JoinDocument', document)
  await one.invoke('SendUpdate', document, typed(['hello']).updates[0])
  expect(await two.heard('ReceiveUpdate')).toHaveLength(1)
  expect(warned.join('')).toContain('HUB_ANONYMOUS')
})
