import { expect, test } from 'vitest'
import { forcesaveTick } from '../../src/core/forcesave.ts'
import { recoverForgotten } from '../../src/core/recovery.ts'
import { type Both, startBoth } from '../support/both.ts'
import { testClock } from '../support/clock.ts'
import { docxParagraphs, makeDocx } from '../support/files.ts'

const at = (second: number) => `2026-11-21T08:00:0${second}.000Z`

async function kinds({ app, id }: Both): Promise<string[]> {
  return (await app.versions(id)).map(({ kind, isCurrent }) => (isCurrent ? `${kind}*` : kind)).reverse()
}

test('a final save counts although the clock of Document Server was set back', async () => {
  await using both = await startBoth()
  await both.send({ status: 6, forcesavetype: 0, lastsave: at(5) }, makeDocx(['before']))

  expect(await both.send({ status: 2, lastsave: at(3) }, makeDocx(['after the clock was set back']))).toBe(
    200,
  )

  expect(await kinds(both)).toEqual(['upload', 'final*'])
  expect(docxParagraphs(await both.app.download(both.id))).toEqual(['after the clock was set back'])
})

test('an undo is stored also by a server that sends no lastsave', async () => {
  await using both = await startBoth()
  const [a, b] = [makeDocx(['A']), makeDocx(['B'])]
  for (const bytes of [a, b, a]) await both.send({ status: 6, forcesavetype: 0 }, bytes)

  expect(await both.app.download(both.id)).toEqual(a)
})

test('odd fields are no reason to refuse a save: Document Server would drop the edits', async () => {
  await using both = await startBoth()
  const odd = [
    { filetype: '' },
    { userdata: 'x'.repeat(20_000) },
    { forcesavetype: 9 },
    { lastsave: 'yesterday' },
    { users: 'ann' },
    { notmodified: 'no' },
    { history: [] },
  ]
  for (const [index, fields] of odd.entries()) {
    const answer = await both.send({ status: 6, ...fields }, makeDocx([`edit ${index}`]))
    expect([fields, answer]).toEqual([fields, 200])
    expect(docxParagraphs(await both.app.download(both.id))).toEqual([`edit ${index}`])
  }
})

test('bytes of a type that we do not know are stored as they are', async () => {
  await using both = await startBoth()
  const bytes = Buffer.from('what the future brings')

  expect(await both.send({ status: 2, filetype: 'docz' }, bytes)).toBe(200)
  expect(await both.app.download(both.id)).toEqual(bytes)
})

test('an emptied text file is saved', async () => {
  await using both = await startBoth()
  expect(await both.send({ status: 2, filetype: 'txt' }, Buffer.alloc(0))).toBe(200)
  expect(await both.app.download(both.id)).toHaveLength(0)
})

test('a restored copy of what Document Server saved opens as the save did', async () => {
  await using both = await startBoth()
  const { app, id } = both
  // By its bytes a template: no reason to refuse a save, nor its copy later.
  await both.send({ status: 2, filetype: 'dotx' }, makeDocx(['template']))
  const saved = (await app.versions(id)).at(0)
  await app.fetch(`/api/documents/${id}/versions/${saved?.id}/restore`, { method: 'POST' })

  expect((await app.config(id)).document.fileType).toBe('dotx')
})

test('a forgotten file waits while a newer final save is on its way', async () => {
  await using both = await startBoth({ timings: { closeToSaveMs: 700 } })
  const { app, docServer, key } = both
  const editor = await both.open()
  editor.type(0, 'forgotten')
  docServer.faults.callbacks({ kind: 'drop', status: 2 }, 4)
  await editor.close()
  await docServer.settled()
  const bob = await both.open('bob')
  bob.type(1, 'newer')
  await bob.close()

  expect(await recoverForgotten(app.deps)).toEqual({ recovered: 0, waiting: 1 })
  expect(docServer.forgotten.has(key)).toBe(true)
  await docServer.settled()

  expect(await kinds(both)).toEqual(['upload', 'final*'])
  expect(docxParagraphs(await app.download(both.id))).toEqual(['forgotten', 'newer'])
})

test('a damaged forgotten file is kept beside the head once, and stays for somebody to look at', async () => {
  await using both = await startBoth()
  const { app, docServer, key } = both
  docServer.forgotten.set(key, { bytes: Buffer.from('no document'), fileType: 'docx', storedAt: new Date() })

  for (let round = 0; round < 3; round += 1) {
    expect(await recoverForgotten(app.deps)).toEqual({ recovered: 0, waiting: 1 })
  }

  expect(await kinds(both)).toEqual(['upload*', 'recovery'])
  expect(docServer.forgotten.has(key)).toBe(true)
})

test('a server that names no users in its answer is understood by the callback it sends', async () => {
  await using both = await startBoth()
  const { app, docServer, key } = both
  const real = app.deps.docServer
  if (real === undefined) throw new Error('no Document Server')
  const older = new Proxy(real, {
    get(target, name) {
      if (name !== 'info') return Reflect.get(target, name).bind(target)
      return async (one: string) => ({ ...(await target.info(one)), users: undefined })
    },
  })
  const editor = await both.open()
  editor.type(0, 'being edited')
  docServer.forgotten.set(key, { bytes: makeDocx(['forgotten']), fileType: 'docx', storedAt: new Date() })

  await recoverForgotten({ ...app.deps, docServer: older })

  expect(await kinds(both)).toEqual(['upload', 'draft*'])
  expect(docServer.forgotten.has(key)).toBe(true)
})

test('an editor whose status 1 was lost is still saved', async () => {
  const clock = testClock()
  await using both = await startBoth({ clock: clock.now, env: { ACCESS_TOKEN_S: '1000000' } })
  const { app, docServer, id } = both
  docServer.faults.callbacks({ kind: 'drop', status: 1 }, 1)
  const editor = await both.open()
  editor.type(0, 'typed by somebody we never heard of')

  clock.pass(200)
  await forcesaveTick(app.deps)
  await docServer.settled()

  expect(docxParagraphs(await app.download(id))).toEqual(['typed by somebody we never heard of', 'Two'])
})

test('automatic saves go on after our clock was set back by a day', async () => {
  const clock = testClock('2026-11-22T08:00:00.000Z')
  await using both = await startBoth({ clock: clock.now, env: { ACCESS_TOKEN_S: '1000000' } })
  await both.open()
  clock.set('2026-11-21T08:00:00.000Z')

  expect(await forcesaveTick(both.app.deps)).toBe(1)
})
