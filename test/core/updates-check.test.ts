import fc from 'fast-check'
import {
  createEncoder,
  type Encoder,
  toUint8Array,
  writeAny,
  writeVarString,
  writeVarUint,
} from 'lib0/encoding'
import { expect, test, vi } from 'vitest'
import * as Y from 'yjs'
import { checkUpdate } from '../../src/core/updates/check-update.ts'
import { mergeUpdates } from '../../src/core/updates/merge-updates.ts'
import { doJob } from '../../src/core/updates/yjs-jobs.ts'
import { YjsProcesses } from '../../src/core/updates/yjs-processes.ts'
import { openLog, typed } from './updates-log.ts'

/** An update by hand: a number is written as one of variable length, a string after its length. */
function crafted(...parts: (number | string | ((encoder: Encoder) => void))[]): Uint8Array {
  const encoder = createEncoder()
  for (const part of parts) {
    if (typeof part === 'number') writeVarUint(encoder, part)
    else if (typeof part === 'string') writeVarString(encoder, part)
    else part(encoder)
  }
  return toUint8Array(encoder)
}

/** One struct of client 7 at clock 5 with this info byte. */
const struct = (info: number, ...rest: Parameters<typeof crafted>) =>
  crafted(1, 1, 7, 5, (encoder) => writeVarUint(encoder, info), ...rest, 0)
const inBody = [1, 'body'] as const
const any = (value: unknown) => (encoder: Encoder) =>
  writeAny(encoder, value as Parameters<typeof writeAny>[1])
const nested = (depth: number): unknown => (depth === 0 ? 0 : [nested(depth - 1)])

const BAD: Record<string, Uint8Array> = {
  nothing: new Uint8Array(),
  'cut off': (typed('hello')[0] ?? new Uint8Array()).slice(0, -3),
  'bytes after the end': new Uint8Array([...(typed('hello')[0] ?? []), 0]),
  'a V2 update': (() => {
    const doc = new Y.Doc()
    doc.getText('body').insert(0, 'hello')
    return Y.encodeStateAsUpdateV2(doc)
  })(),
  '2^28 clients': crafted(2 ** 28),
  '2^28 structs': crafted(1, 2 ** 28, 7, 0),
  '2^28 deletions': crafted(0, 1, 7, 2 ** 28),
  '2^28 values': struct(8, ...inBody, 2 ** 28),
  '2^28 bytes': struct(3, ...inBody, 2 ** 28),
  'an array of 2^28': struct(8, ...inBody, 1, (encoder) => {
    encoder.cbuf[encoder.cpos++] = 117
    writeVarUint(encoder, 2 ** 28)
  }),
  'values 300 deep': struct(8, ...inBody, 1, any(nested(300))),
  'values 20,000 deep': struct(8, ...inBody, 1, (encoder) => {
    for (let depth = 0; depth < 20_000; depth += 1) {
      writeVarUint(encoder, 117)
      writeVarUint(encoder, 1)
    }
    writeVarUint(encoder, 126)
  }),
  'JSON 100,000 deep': struct(5, ...inBody, `${'['.repeat(100_000)}${']'.repeat(100_000)}`),
  'a format 300 deep': struct(6, ...inBody, 'bold', JSON.stringify(nested(300))),
  'JSON values 300 deep': struct(2, ...inBody, 1, JSON.stringify(nested(300))),
  'broken JSON': struct(5, ...inBody, '{'),
  'content of no kind': struct(11, ...inBody),
  'a type of no kind': struct(7, ...inBody, 99),
  'an item without content': struct(4, ...inBody, ''),
  'deleted content without length': struct(1, ...inBody, 0),
  'a clock beyond all': crafted(1, 1, 7, 2 ** 52, 0, 1, 0),
  'a length beyond all': struct(1, ...inBody, 2 ** 52),
  'an origin that comes later': struct(4 | 0x80, 7, 5, 'x'),
  'an origin on the right that comes later': struct(4 | 0x40, 7, 9, 'x'),
  'an origin beyond all': struct(4 | 0x80, 8, 2 ** 52, 'x'),
  'a parent that comes later': struct(4, 0, 7, 5, 'x'),
  'a deletion of nothing': crafted(0, 1, 7, 1, 3, 0),
  'deletions out of order': crafted(0, 1, 7, 2, 9, 1, 3, 1),
  'a document without a name': struct(9, ...inBody, 'guid', any({ guid: 5 })),
}

test.each(Object.entries(BAD))('%s is refused', (_name, update) => {
  expect(() => checkUpdate(update)).toThrow(expect.objectContaining({ code: 'update-invalid' }))
})

test('an update cannot read what lies beside it in memory', () => {
  const update = struct(4, ...inBody, 'hello')
  const memory = Buffer.concat([update, Buffer.alloc(100)])
  for (let length = 1; length < update.byteLength; length += 1)
    expect(() => checkUpdate(memory.subarray(0, length))).toThrow(
      expect.objectContaining({ code: 'update-invalid' }),
    )
  expect(checkUpdate(memory.subarray(0, update.byteLength))).toBeUndefined()
})

test('what Yjs makes is taken: every type, formats, embeds, documents, deletions, merged and with gaps', () => {
  const { doc, updates } = everything()
  const merged = Y.mergeUpdates([updates[0] ?? new Uint8Array(), ...updates.slice(3)])

  for (const update of [...updates, merged, Y.encodeStateAsUpdate(doc), new Uint8Array([0, 0])])
    expect(checkUpdate(update)).toBeUndefined()
  expect(checkUpdate(Buffer.from(Buffer.from(merged).toString('base64'), 'base64'))).toBeUndefined()
})

/** A document with one of everything, and the updates that made it. */
function everything(): { doc: Y.Doc; updates: Uint8Array[] } {
  const doc = new Y.Doc()
  const updates: Uint8Array[] = []
  doc.on('update', (update: Uint8Array) => updates.push(update))
  const text = doc.getText('body')
  text.insert(0, 'hello 🌍', { bold: true })
  text.insertEmbed(3, { image: { src: 'x' } })
  text.format(0, 2, { link: { href: 'y' } })
  text.delete(1, 3)
  const map = doc.getMap('map')
  map.set('array', Y.Array.from([1, 'two', { three: [3n, 1.5, -7, null, undefined] }, new Uint8Array([4])]))
  map.set('xml', new Y.XmlElement('p'))
  map.set('doc', new Y.Doc({ meta: { title: 'inner' } }))
  map.delete('array')
  doc.getXmlFragment('xml').insert(0, [new Y.XmlText('t')])
  return { doc, updates }
}

test('what is taken can be applied, whatever was done to it', () => {
  const { doc, updates } = everything()
  const sound = [...updates, Y.encodeStateAsUpdate(doc), Y.mergeUpdates(updates.slice(2))]
  const Change = fc.record({
    at: fc.nat(),
    byte: fc.nat(255),
    act: fc.constantFrom('set', 'insert', 'remove'),
  })
  let taken = 0
  fc.assert(
    fc.property(
      fc.constantFrom(...sound),
      fc.array(Change, { minLength: 1, maxLength: 4 }),
      (update, changes) => {
        const bytes = [...update]
        for (const { at, byte, act } of changes)
          bytes.splice(at % bytes.length, act === 'insert' ? 0 : 1, ...(act === 'remove' ? [] : [byte]))
        const changed = new Uint8Array(bytes)
        try {
          checkUpdate(changed)
        } catch {
          return
        }
        taken += 1
        const before = mergeUpdates(null, [...updates.slice(0, 3), changed])
        const after = mergeUpdates(before.update, updates)
        expect([...before.unusable, ...after.unusable]).toEqual([])
      },
    ),
    { numRuns: Number(process.env.FUZZ_RUNS ?? 3000) },
  )
  expect(taken).toBeGreaterThan(50)
})

test('a small update is looked at at once, a large one in another process, a larger one not at all', async () => {
  await using log = await openLog()
  const [small = new Uint8Array(), large = new Uint8Array()] = typed('x', 'y'.repeat(100_000))
  expect(log.updates.check(small)).toBeUndefined()
  await expect(log.updates.check(large)).resolves.toBeUndefined()
  await expect(log.updates.check(large.slice(1))).rejects.toMatchObject({ code: 'update-invalid' })
  expect(() => log.updates.check(new Uint8Array(4 * 1024 * 1024 + 1))).toThrow(
    expect.objectContaining({ code: 'update-too-large' }),
  )
})

test('no more than a few large ones wait', async () => {
  await using log = await openLog()
  const [large = new Uint8Array()] = typed('y'.repeat(100_000))
  const answers = await Promise.allSettled(Array.from({ length: 70 }, async () => log.updates.check(large)))
  expect(answers.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThanOrEqual(64)
  expect(answers.at(-1)).toMatchObject({ reason: { code: 'too-many-requests' } })
})

test('a job tells what came out, what was refused, and that something else went wrong', () => {
  const [update = new Uint8Array()] = typed('hello')
  expect(doJob({ name: 'check', asked: update })).toEqual({ answer: undefined })
  expect(doJob({ name: 'check', asked: update.slice(1) })).toEqual({ problem: 'update-invalid' })
  expect(doJob({ name: 'narrow', asked: { update, vector: new Uint8Array([0]) } })).toEqual({
    answer: update,
  })
  const log = new Uint8Array()
  expect(doJob({ name: 'merge', asked: { snapshot: null, log } })).toMatchObject({ answer: { unusable: [] } })
  expect(doJob({ name: 'merge', asked: { snapshot: new Uint8Array([1]), log } })).toHaveProperty('error')
})

test('a process ends when there was nothing to do for a while, and another one begins', async () => {
  const processes = new YjsProcesses({ timeLimitMs: 10_000, memoryLimitMb: 64 }, { keptMs: 1 })
  const [update = new Uint8Array()] = typed('x')
  expect(await processes.run('check', update)).toBeUndefined()
  await vi.waitUntil(() => !process.getActiveResourcesInfo().includes('ProcessWrap'))
  expect(await processes.run('check', update)).toBeUndefined()
  await processes.close()
})
