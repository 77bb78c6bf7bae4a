import { expect, test } from 'vitest'
import type { DocServer } from '../../src/core/ports.ts'
import { recoverForgotten } from '../../src/core/recovery.ts'
import { forgottenFiles } from '../../src/metadata/forgotten.ts'
import { openAs, startApp } from '../support/app.ts'
import { type Both, startBoth, until } from '../support/both.ts'
import { docxParagraphs, makeDocx } from '../support/files.ts'

/** An edit whose final save we could not take, so that Document Server forgot it. */
async function forget(both: Both, text = 'forgotten edit'): Promise<void> {
  const { docServer, key } = both
  const editor = await both.open()
  editor.type(0, text)
  docServer.faults.callbacks({ kind: 'drop', status: 2 }, 4)
  await editor.close()
  await docServer.settled()
  if (!docServer.forgotten.has(key)) throw new Error('nothing was forgotten')
}

async function kinds({ app, id }: Both): Promise<string[]> {
  return (await app.versions(id)).map(({ kind, isCurrent }) => (isCurrent ? `${kind}*` : kind)).reverse()
}

/** Document Server, with something else happening when it is asked. */
function meddled({ app }: Both, change: (real: DocServer) => Partial<DocServer>): Both['app']['deps'] {
  const real = app.deps.docServer
  if (real === undefined) throw new Error('no Document Server')
  const changed = change(real)
  const docServer = new Proxy(real, {
    get(target, name) {
      const method: unknown = Reflect.get(changed, name) ?? Reflect.get(target, name)
      return typeof method === 'function' ? method.bind(target) : method
    },
  })
  return { ...app.deps, docServer }
}

test('after a stop at close time the forgotten file comes home by itself, and only then is it deleted', async () => {
  await using both = await startBoth()
  const { app, docServer, id, key } = both
  const editor = await both.open()
  editor.type(0, 'typed before the stop')
  await app.close()
  await editor.close()
  await docServer.settled()
  expect(docServer.forgotten.has(key)).toBe(true)

  await using again = await startApp({ docServer, dataDir: app.dataDir, overrides: { background: true } })
  await until(() => docServer.forgotten.size === 0)

  const { rows } = await versionsIn(again, id)
  expect(rows.map(({ kind }) => kind)).toEqual(['upload', 'final'])
  await using bytes = await again.deps.blobs.open(rows[1]?.sha256 ?? '')
  expect(docxParagraphs(await bytes.read(0, bytes.size))).toEqual(['typed before the stop', 'Two'])
})

async function versionsIn({ deps }: { deps: Both['app']['deps'] }, id: string) {
  const rows = await deps.database
    .selectFrom('versions')
    .selectAll()
    .where('document_id', '=', id)
    .orderBy('number')
    .execute()
  return { rows }
}

test('a recovered file is the new head under a new key, and another round changes nothing', async () => {
  await using both = await startBoth()
  const { app, docServer, id, key } = both
  await forget(both)

  expect(await recoverForgotten(app.deps)).toEqual({ recovered: 1, waiting: 0 })
  expect(await recoverForgotten(app.deps)).toEqual({ recovered: 0, waiting: 0 })

  expect(await kinds(both)).toEqual(['upload', 'final*'])
  expect(docxParagraphs(await app.download(id))).toEqual(['forgotten edit', 'Two'])
  expect((await app.config(id)).document.key).not.toBe(key)
  expect(docServer.forgotten.size).toBe(0)
})

test('with editors present the file becomes the draft, and Document Server removes it after their close', async () => {
  await using both = await startBoth()
  const { app, docServer, key } = both
  await forget(both)
  const editor = await both.open('bob')
  expect(editor.paragraphs()).toEqual(['forgotten edit', 'Two'])

  await recoverForgotten(app.deps)
  expect(await kinds(both)).toEqual(['upload', 'draft*'])
  expect((await app.config(both.id)).document.key).toBe(key)
  expect(docServer.forgotten.has(key)).toBe(true)

  editor.type(1, 'and more')
  await editor.close()
  await docServer.settled()
  expect(await kinds(both)).toEqual(['upload', 'final*'])
  expect(docServer.forgotten.size).toBe(0)
  expect(docxParagraphs(await app.download(both.id))).toEqual(['forgotten edit', 'and more'])
})

test('the forgotten file of a superseded session becomes its conflict version', async () => {
  await using both = await startBoth()
  const { app, docServer, id } = both
  await forget(both)
  const first = (await app.versions(id)).at(-1)
  await app.fetch(`/api/documents/${id}/versions/${first?.id}/restore`, { method: 'POST' })

  await recoverForgotten(app.deps)

  expect(await kinds(both)).toEqual(['upload', 'restored*', 'conflict'])
  expect(docServer.forgotten.size).toBe(0)
})

test('a file that somebody opens while it comes home is not deleted', async () => {
  await using both = await startBoth()
  const { app, docServer, key } = both
  await forget(both)
  // Opened under the old key: a page that had its config before the file came home.
  const early = await app.config(both.id, '?userId=bob&userName=bob')
  let asked = 0
  const deps = meddled(both, (real) => ({
    info: async (one) => {
      asked += 1
      if (asked === 2) await docServer.open(early)
      return real.info(one)
    },
  }))

  expect(await recoverForgotten(deps)).toEqual({ recovered: 0, waiting: 1 })
  expect(docServer.forgotten.has(key)).toBe(true)
})

test('a file that changed while it came home is not deleted', async () => {
  await using both = await startBoth()
  const { app, docServer, key } = both
  await forget(both)
  let heads = 0
  const deps = meddled(both, (real) => ({
    head: async (url) => {
      heads += 1
      return heads === 2 ? { size: 1, lastModified: 'later' } : real.head(url)
    },
  }))

  expect(await recoverForgotten(deps)).toEqual({ recovered: 0, waiting: 1 })
  expect(docServer.forgotten.has(key)).toBe(true)
  expect(await recoverForgotten(app.deps)).toEqual({ recovered: 1, waiting: 0 })
  expect(await kinds(both)).toEqual(['upload', 'final*'])
})

test('our files without a row are listed for the administrator; other installations’ are not touched', async () => {
  await using both = await startBoth()
  const { app, docServer } = both
  const file = { bytes: makeDocx(['whose?']), fileType: 'docx', storedAt: new Date() }
  const lost = `${app.deps.keyPrefix}lost`
  docServer.forgotten.set(lost, file)
  docServer.forgotten.set('zzzzzzzz-somebody-else', file)

  expect(await recoverForgotten(app.deps)).toEqual({ recovered: 0, waiting: 1 })

  expect([...docServer.forgotten.keys()].sort()).toEqual([lost, 'zzzzzzzz-somebody-else'].sort())
  expect((await forgottenFiles(app.deps.database)).map(({ key, reason }) => [key, reason])).toEqual([
    [lost, 'no session has this key'],
  ])
  docServer.forgotten.delete(lost)
  await recoverForgotten(app.deps)
  expect(await forgottenFiles(app.deps.database)).toEqual([])
})

test('an older forgotten file never replaces what was saved after it', async () => {
  await using both = await startBoth()
  const { app, docServer, id, key } = both
  await both.send({ status: 6, forcesavetype: 0, lastsave: new Date().toISOString() }, makeDocx(['newer']))
  const storedAt = new Date(Date.now() - 60_000)
  docServer.forgotten.set(key, { bytes: makeDocx(['older']), fileType: 'docx', storedAt })

  await recoverForgotten(app.deps)

  expect(docxParagraphs(await app.download(id))).toEqual(['newer'])
  expect(docServer.forgotten.size).toBe(0)
})

test('a file that cannot be fetched stays, is noted, and comes home in a later round', async () => {
  await using both = await startBoth({ env: { DOWNLOAD_RETRY_S: '0' } })
  const { app, docServer, key } = both
  await forget(both)
  docServer.faults.files({ kind: 'status', status: 500 }, 2)

  expect(await recoverForgotten(app.deps)).toEqual({ recovered: 0, waiting: 1 })
  expect((await forgottenFiles(app.deps.database)).map(({ reason }) => reason)).toEqual(['download-failed'])

  docServer.faults.clear()
  expect(await recoverForgotten(app.deps)).toEqual({ recovered: 1, waiting: 0 })
  expect(docServer.forgotten.has(key)).toBe(false)
})

test('what somebody went back to before closing comes home, although the same bytes were saved earlier', async () => {
  await using both = await startBoth()
  const { app, docServer } = both
  const id = await app.upload('note.txt', Buffer.from('start'))
  const editor = await openAs(app, docServer, id)
  const { key } = (await app.config(id)).document
  for (const text of ['A', 'B']) {
    editor.type(0, text)
    await app.deps.docServer?.forcesave(key)
    await until(async () => (await app.download(id)).toString().startsWith(text))
  }
  editor.type(0, 'A')
  docServer.faults.callbacks({ kind: 'drop', status: 2 }, 100)
  await editor.close()
  await docServer.settled()
  expect(docServer.forgotten.has(key)).toBe(true)

  await recoverForgotten(app.deps)

  expect((await app.download(id)).toString()).toMatch(/^A/)
})
