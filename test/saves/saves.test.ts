import { expect, test } from 'vitest'
import { forcesaveTick } from '../../src/core/forcesave.ts'
import { startEmulator } from '../../src/emulator/start.ts'
import { openAs, SECRET, startApp } from '../support/app.ts'
import { testClock } from '../support/clock.ts'
import { docxParagraphs, makeDocx } from '../support/files.ts'

/** The emulator with its waits cut short. */
const QUICK = { closeToSaveMs: 50, retryDelaysMs: [20, 20, 20], forcesaveMs: 10, downloadRetryMs: 10 }

test('upload, two automatic saves, one by the button and the close make two versions', async () => {
  const clock = testClock()
  await using docServer = await startEmulator({ secret: SECRET, timings: QUICK, clock: clock.now })
  await using app = await startApp({ docServer, overrides: { clock: clock.now } })
  const id = await app.upload('report.docx', makeDocx(['One', 'Two']))
  const editor = await openAs(app, docServer, id)

  for (const text of ['First', 'Second']) {
    await editor.type(0, text)
    clock.pass(60)
    expect(await forcesaveTick(app.deps)).toBe(1)
    await docServer.settled()
    expect(docxParagraphs(await app.download(id))).toEqual([text, 'Two'])
  }
  await editor.type(0, 'Third')
  await editor.save()
  await docServer.settled()
  await editor.close()
  await docServer.settled()

  expect(docServer.callbacks.map(({ status }) => status)).toEqual([1, 6, 6, 6, 2])
  expect((await app.versions(id)).map(({ versionNumber, kind, isCurrent }) => [versionNumber, kind, isCurrent])).toEqual([
    [2, 'final', true],
    [1, 'upload', false],
  ])
  expect(docxParagraphs(await app.download(id))).toEqual(['Third', 'Two'])
})
