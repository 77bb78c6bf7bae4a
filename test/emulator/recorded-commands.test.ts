import jwt, { type Algorithm } from 'jsonwebtoken'
import { describe, expect, test } from 'vitest'
import { DEVELOPMENT_SECRET, startEmulator } from '../../src/emulator/start.ts'
import { documentAt, FAST, startHost } from './host.ts'
import { hasRecordings, recordedAnswers } from './recorded.ts'

const COMMANDS = '/coauthoring/CommandService.ashx'

function token(
  payload: object,
  options: { secret?: string; expiresIn?: number; algorithm?: Algorithm } = {},
) {
  const { secret = DEVELOPMENT_SECRET, expiresIn = 300, algorithm = 'HS256' } = options
  return jwt.sign(payload, secret, { expiresIn, algorithm })
}

type Call = { path?: string; method?: string; body?: unknown; raw?: string; authorization?: string }

async function call(base: string, { path = COMMANDS, method = 'POST', body, raw, authorization }: Call) {
  const response = await fetch(`${base}${path}`, {
    method,
    headers: { 'content-type': 'application/json', ...(authorization ? { authorization } : {}) },
    ...(method === 'POST' ? { body: raw ?? JSON.stringify(body ?? {}) } : {}),
  })
  return {
    status: response.status,
    type: response.headers.get('content-type') ?? '',
    body: await response.text(),
  }
}

const version = { c: 'version' }
const inBody = (payload: object) => ({ body: { token: token(payload) } })
const WRONG = { secret: 'wrong-secret-0123456789abcdef012345' }
const NONE = `${Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url')}.${Buffer.from('{"c":"version"}').toString('base64url')}.`

/** By the name in the recording: the request that got that answer. */
const CALLS: Record<string, Call> = {
  healthcheck: { path: '/healthcheck', method: 'GET' },
  'version no token': { body: version },
  'version wrong secret (body)': { body: { token: token(version, WRONG) } },
  'version wrong secret (header)': {
    body: version,
    authorization: `Bearer ${token({ payload: version }, WRONG)}`,
  },
  'version expired token': { body: { token: token(version, { expiresIn: -120 }) } },
  'version expired 30 s ago (clockTolerance 60)': { body: { token: token(version, { expiresIn: -30 }) } },
  'version body token': inBody(version),
  'version header token {payload}': { authorization: `Bearer ${token({ payload: version })}` },
  'version header token flat': { authorization: `Bearer ${token(version)}` },
  'version header token EMPTY payload, cmd only in body': {
    body: version,
    authorization: `Bearer ${token({ payload: {} })}`,
  },
  'version via /command': { path: '/command', ...inBody(version) },
  'version via GET ?token': { path: `${COMMANDS}?token=${token(version)}`, method: 'GET' },
  'body says forcesave, token says version (token wins)': {
    body: { c: 'forcesave', key: 'a', token: token(version) },
  },
  'both: bad body token + good header (body token wins)': {
    body: { token: 'bad' },
    authorization: `Bearer ${token(version)}`,
  },
  'Authorization: JWT x (wrong prefix)': { authorization: `JWT ${token(version)}` },
  'alg none': { body: { token: NONE } },
  HS512: { body: { token: token(version, { algorithm: 'HS512' }) } },
  license: inBody({ c: 'license' }),
  'info unknown key': inBody({ c: 'info', key: 'no-such-key' }),
  'forcesave unknown key': inBody({ c: 'forcesave', key: 'no-such-key' }),
  'drop unknown key': inBody({ c: 'drop', key: 'no-such-key', users: ['a'] }),
  'meta unknown key': inBody({ c: 'meta', key: 'no-such-key', meta: { title: 'a.docx' } }),
  'getForgotten unknown key': inBody({ c: 'getForgotten', key: 'no-such-key' }),
  'deleteForgotten unknown key': inBody({ c: 'deleteForgotten', key: 'no-such-key' }),
  getForgottenList: inBody({ c: 'getForgottenList' }),
  'info without key': inBody({ c: 'info' }),
  'info numeric key': inBody({ c: 'info', key: 42 }),
  'unknown command': inBody({ c: 'what', key: 'a' }),
  'no c': inBody({ key: 'a' }),
  'not json': { raw: 'not json' },
  'not json + valid header token': { raw: 'not json', authorization: `Bearer ${token(version)}` },
}

describe.skipIf(!hasRecordings)('the command service answers as recorded', async () => {
  const recorded = hasRecordings ? recordedAnswers('command-answers.txt') : new Map()

  test.each(Object.entries(CALLS))('%s', async (name, request) => {
    await using emulator = await startEmulator()
    expect(recorded.has(name)).toBe(true)
    expect(await call(emulator.url, request)).toEqual(recorded.get(name))
  })

  test('GET /command is not there', async () => {
    await using emulator = await startEmulator()
    expect(await call(emulator.url, { path: '/command', method: 'GET' })).toMatchObject({ status: 404 })
  })

  test('on an open document', async () => {
    await using host = await startHost()
    await using emulator = await startEmulator({ timings: FAST })
    const key = 't2-1795240960633'
    const editor = await emulator.open(documentAt(host, { key }))
    const expectRecorded = async (name: string, payload: object) => {
      expect(recorded.has(name)).toBe(true)
      expect(await call(emulator.url, inBody(payload))).toEqual(recorded.get(name))
      await emulator.settled()
    }
    await expectRecorded('info open doc', { c: 'info', key })
    await expectRecorded('meta open doc', { c: 'meta', key, meta: { title: 'renamed.docx' } })
    await expectRecorded('meta without meta', { c: 'meta', key })
    await expectRecorded('forcesave open doc (no changes)', { c: 'forcesave', key })
    editor.type(0, 'a')
    await expectRecorded('forcesave after changes', { c: 'forcesave', key })
    await expectRecorded('forcesave immediately again', { c: 'forcesave', key })
    await expectRecorded('drop bogus user', { c: 'drop', key, users: ['bogus'] })
    await expectRecorded('info', { c: 'info', key })
    await expectRecorded('drop alice', { c: 'drop', key, users: ['alice'] })
    expect(editor.events).toEqual([
      { name: 'onAppReady' },
      { name: 'onInfo', data: { mode: 'edit' } },
      { name: 'onDocumentReady' },
      { name: 'onMetaChange', data: { title: 'renamed.docx' } },
      { name: 'onDocumentStateChange', data: true },
      { name: 'onDocumentStateChange', data: false },
      { name: 'onWarning', data: expect.objectContaining({ warningCode: -100 }) },
    ])
  })
})
