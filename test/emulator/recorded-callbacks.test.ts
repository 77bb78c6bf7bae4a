import jwt from 'jsonwebtoken'
import { describe, expect, test } from 'vitest'
import { DEVELOPMENT_SECRET, startEmulator } from '../../src/emulator/start.ts'
import { command, documentAt, FAST, type Received, startHost } from './host.ts'
import { hasRecordings, recordedCallbacks, recordedFields, shapeOf } from './recorded.ts'

/** What the body token of a received callback says. */
function fieldsOf(received: Received | Record<string, unknown> | undefined): Record<string, unknown> {
  const body = received && 'raw' in received ? received.body : received
  const {
    iat: _iat,
    exp: _exp,
    ...fields
  } = jwt.verify(String((body as { token?: unknown })?.token), DEVELOPMENT_SECRET) as Record<string, unknown>
  return fields
}

describe.skipIf(!hasRecordings)('callbacks look as a real Document Server recorded them', () => {
  test('coming, info, leaving while another stays, leaving without a change', async () => {
    await using host = await startHost()
    await using emulator = await startEmulator({ timings: FAST })
    const ann = await emulator.open(documentAt(host, { key: 'k', user: 'ann' }))
    expect(shapeOf(fieldsOf(host.callbacks[0]))).toEqual(shapeOf(recordedFields(0)))
    const bob = await emulator.open(documentAt(host, { key: 'k', user: 'bob' }))
    expect(shapeOf(fieldsOf(host.callbacks[1]))).toEqual(shapeOf(recordedFields(19)))
    expect(fieldsOf(host.callbacks[1])).toMatchObject({
      users: ['ann', 'bob'],
      actions: [{ type: 1, userid: 'bob' }],
    })
    await ann.close()
    expect(shapeOf(fieldsOf(host.callbacks[2]))).toEqual(shapeOf(recordedFields(28)))
    expect(fieldsOf(host.callbacks[2])).toMatchObject({
      users: ['bob'],
      actions: [{ type: 0, userid: 'ann' }],
    })
    expect(host.callbacks[2]?.url).toBe('/callback?user=ann')

    await command(emulator.url, { c: 'info', key: 'k', userdata: 'ud-info' })
    await emulator.settled()
    expect(shapeOf(fieldsOf(host.callbacks[3]))).toEqual(shapeOf(recordedFields(5)))
    await command(emulator.url, { c: 'info', key: 'k' })
    await emulator.settled()
    expect(shapeOf(fieldsOf(host.callbacks[4]))).toEqual(shapeOf(recordedFields(7)))

    await bob.close()
    expect(shapeOf(fieldsOf(host.callbacks[5]))).toEqual(shapeOf(recordedFields(1)))
    expect(host.callbacks).toHaveLength(6)
  })

  test('the save after closing, by two authors', async () => {
    await using host = await startHost()
    await using emulator = await startEmulator({ timings: FAST })
    const ann = await emulator.open(documentAt(host, { key: 'k', user: 'ann' }))
    const bob = await emulator.open(documentAt(host, { key: 'k', user: 'bob' }))
    ann.type(0, 'a')
    ann.type(0, 'ab')
    bob.type(1, 'b')
    await command(emulator.url, { c: 'forcesave', key: 'k', userdata: 'fsG' })
    await emulator.settled()
    expect(shapeOf(fieldsOf(host.last(6)))).toEqual(shapeOf(recordedFields(27)))
    await bob.close()
    await ann.close()
    await emulator.settled()
    const final = fieldsOf(host.last(2))
    expect(shapeOf(final)).toEqual(shapeOf(recordedFields(30)))
    expect(final).toMatchObject({
      users: ['bob'],
      actions: [{ type: 0, userid: 'ann' }],
      notmodified: true,
      filetype: 'docx',
      history: {
        serverVersion: '4.1.2',
        changes: [{ user: { id: 'ann', name: 'ANN' } }, { user: { id: 'bob', name: 'BOB' } }],
      },
    })
    expect(host.callbacks.at(-1)?.url).toBe('/callback?user=bob')
  })

  test('a save that nobody forced, the button, the timer, a form', async () => {
    await using host = await startHost()
    await using emulator = await startEmulator({ timings: FAST })
    const editor = await emulator.open(documentAt(host, { key: 'k' }))
    editor.type(0, '1')
    await editor.save()
    expect(shapeOf(fieldsOf(host.last(6)))).toEqual(shapeOf(recordedFields(33)))
    editor.type(0, '2')
    await emulator.timerSave('k')
    expect(shapeOf(fieldsOf(host.last(6)))).toEqual(shapeOf(recordedFields(52)))
    editor.type(0, '3')
    await editor.submitForm([{ key: 'name', value: 'Ann' }])
    const form = fieldsOf(host.last(6))
    expect(form).toMatchObject({ forcesavetype: 3, actions: [{ type: 2, userid: 'alice' }] })
    expect(await (await fetch(String(form.formsdataurl))).json()).toEqual([{ key: 'name', value: 'Ann' }])
    await editor.close()
    await emulator.settled()
    expect(shapeOf(fieldsOf(host.last(2)))).toEqual(shapeOf(recordedFields(3)))
  })

  test('failed conversions: 7 and 3', async () => {
    await using host = await startHost()
    await using emulator = await startEmulator({ timings: FAST })
    emulator.faults.converterFails('k')
    const editor = await emulator.open(documentAt(host, { key: 'k' }))
    editor.type(0, '1')
    await command(emulator.url, { c: 'forcesave', key: 'k', userdata: 'fsD' })
    await emulator.settled()
    expect(shapeOf(fieldsOf(host.last(7)))).toEqual(shapeOf(recordedFields(40)))
    await editor.close()
    await emulator.settled()
    expect(shapeOf(fieldsOf(host.last(3)))).toEqual(shapeOf(recordedFields(46)))
  })

  test('a forced save sent again after a refusal, and a save from the forgotten store', async () => {
    await using host = await startHost()
    await using emulator = await startEmulator({ timings: FAST })
    host.answer(({ body }) => (body?.status === 1 ? { status: 200 } : { status: 200, body: '{"error":1}' }))
    const editor = await emulator.open(documentAt(host, { key: 'k' }))
    editor.type(0, '1')
    await command(emulator.url, { c: 'forcesave', key: 'k', userdata: 'fs1' })
    await emulator.settled()
    await command(emulator.url, { c: 'forcesave', key: 'k', userdata: 'fs2' })
    expect(shapeOf(fieldsOf(host.last(6)))).toEqual(shapeOf(recordedFields(22)))
    await editor.close()
    await emulator.settled()
    const again = await emulator.open(documentAt(host, { key: 'k', user: 'rescuer' }))
    await again.close()
    await emulator.settled()
    expect(shapeOf(fieldsOf(host.last(2)))).toEqual(shapeOf(recordedFields(14)))
  })

  test('info on a document that is only viewed', async () => {
    await using host = await startHost()
    await using emulator = await startEmulator({ timings: FAST })
    await emulator.open(documentAt(host, { key: 'k', mode: 'view' }))
    expect(host.callbacks).toHaveLength(0)
    expect(await command(emulator.url, { c: 'info', key: 'k' })).toEqual({ key: 'k', error: 0, users: [] })
    await emulator.settled()
    expect(shapeOf(fieldsOf(host.callbacks[0]))).toEqual(shapeOf(recordedFields(13)))
  })

  test('headers and both tokens', async () => {
    await using host = await startHost()
    await using emulator = await startEmulator({ timings: FAST })
    await emulator.open(documentAt(host))
    const [received] = host.callbacks
    const recorded = recordedCallbacks()[0] as unknown as { headers: Record<string, string> }
    expect(Object.keys(received?.headers ?? {}).sort()).toEqual(Object.keys(recorded.headers).sort())
    for (const header of ['accept', 'content-type', 'user-agent', 'accept-encoding']) {
      expect(received?.headers[header]).toBe(recorded.headers[header])
    }
    const header = jwt.verify(
      String(received?.headers.authorization).slice('Bearer '.length),
      DEVELOPMENT_SECRET,
    )
    const { token, ...plain } = received?.body ?? {}
    const { iat, exp, ...flat } = jwt.verify(String(token), DEVELOPMENT_SECRET) as {
      iat: number
      exp: number
    }
    expect(exp - iat).toBe(300)
    expect(flat).toEqual(plain)
    expect(header).toEqual({ payload: plain, iat, exp })
  })
})
