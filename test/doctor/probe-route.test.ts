import { request } from 'node:http'
import { afterAll, expect, test } from 'vitest'
import { createTokens, type TokenClaims } from '../../src/core/tokens.ts'
import { loadSecrets } from '../../src/secrets.ts'
import { openedDocx, postCallback, sign, startPair } from '../docserver/support.ts'
import { ADMIN_TOKEN, SECRET } from '../support/app.ts'

const pair = await startPair()
afterAll(() => pair[Symbol.asyncDispose]())
const { app } = pair
const tokens = createTokens(
  loadSecrets(app.dataDir, app.deps.config).rootSecret,
  () => new Date(),
  ADMIN_TOKEN,
)

const token = (claims: TokenClaims<'probe'>, lifetimeS = 60) => tokens.issue('probe', claims, lifetimeS)
const probe = (t: string, headers: Record<string, string> = {}) =>
  fetch(`${app.url}/api/onlyoffice/probe?t=${t}`, { headers })

test('without its own token there is nothing to see', async () => {
  const { fileUrl } = await openedDocx(app)
  const others = [
    '',
    'garbage',
    ADMIN_TOKEN,
    app.token,
    new URL(fileUrl).searchParams.get('t') ?? '',
    token({ nonce: 'a', part: 'facts' }, -1),
    sign({ nonce: 'a', part: 'facts', aud: 'probe' }, { secret: SECRET }),
  ]
  for (const other of others) {
    const response = await probe(other, { authorization: `Bearer ${ADMIN_TOKEN}` })
    expect([response.status, await response.json()]).toEqual([
      403,
      { message: expect.any(String), error: 'FILE_TOKEN_INVALID' },
    ])
  }
  expect((await fetch(`${app.url}/api/onlyoffice/probe`)).status).toBe(403)
})

test('its token opens nothing else', async () => {
  const { id } = await openedDocx(app)
  const t = token({ nonce: 'a', part: 'file' })
  expect((await fetch(`${app.url}/api/onlyoffice/file/${id}?t=${t}`)).status).toBe(403)
  expect((await app.fetch('/api/documents', { as: t })).status).toBe(401)
})

test('a file carries the nonce, and how Document Server signed its fetch is remembered', async () => {
  const facts = async (nonce: string) => (await probe(token({ nonce, part: 'facts' }))).json()
  expect(await facts('one')).toEqual({ unsignedCallbacks: 0 })
  const signed = { authorization: `Bearer ${sign({ payload: { url: 'http://any' } })}` }
  const response = await probe(token({ nonce: 'one', part: 'file' }), signed)
  expect([response.status, await response.text()]).toEqual([200, 'docs-connector probe one\n'])
  expect(response.headers.get('content-type')).toMatch(/^text\/plain/)
  expect(response.headers.get('cache-control')).toBe('no-store')
  expect(await facts('one')).toMatchObject({ fetched: 'good' })

  await probe(token({ nonce: 'two', part: 'file' }))
  expect(await facts('two')).toMatchObject({ fetched: 'unsigned' })
  const other = sign({ payload: {} }, { secret: 'another-secret-0123456789abcdef0123456789' })
  await probe(token({ nonce: 'three', part: 'file' }), { authorization: `Bearer ${other}` })
  expect(await facts('three')).toMatchObject({ fetched: 'bad' })

  await app.deps.events.probeFetched({ nonce: 'four', signature: 'unsigned' })
  expect(await facts('four'), 'as another node tells it').toMatchObject({ fetched: 'unsigned' })

  await postCallback(app, { key: 'a', status: 1 }, { bodyToken: null, header: null })
  expect(await facts('one')).toMatchObject({
    unsignedCallbacks: 1,
    lastUnsignedAt: expect.stringMatching(/^\d{4}-.*Z$/),
  })
})

test('a page comes with the policy of the pages that hold the editor', async () => {
  const response = await probe(token({ nonce: 'one', part: 'page' }))
  expect(await response.text()).toBe('docs-connector probe one\n')
  const policy = response.headers.get('content-security-policy')
  expect(policy).toMatch(/script-src 'nonce-[^']+' http:\/\/127/)
  expect(policy).toContain(`frame-src ${pair.docServer.url}`)
})

test('a size is announced, and no byte of it is sent', async () => {
  const url = `${app.url}/api/onlyoffice/probe?t=${token({ nonce: 'one', part: 'size', bytes: 3_000_000_000 })}`
  const seen = await new Promise<{ length: string | undefined; bytes: number; isWhole: boolean }>(
    (resolve) => {
      request(url, (response) => {
        let bytes = 0
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length
        })
        response.on('error', () => {})
        response.on('close', () =>
          resolve({ length: response.headers['content-length'], bytes, isWhole: response.complete }),
        )
      }).end()
    },
  )
  expect(seen).toEqual({ length: '3000000000', bytes: 0, isWhole: false })
})
