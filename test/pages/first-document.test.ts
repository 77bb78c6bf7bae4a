import { expect, test, vi } from 'vitest'
import { startApp } from '../support/app.ts'
import { noBrowser, openPage, paragraphOf, startBrowser, viewerUrl } from '../support/browser.ts'
import { docxParagraphs, makeDocx } from '../support/files.ts'

const name =
  'upload, open, change a paragraph: the change is in the download without closing, and closing leaves two versions'

test(noBrowser === undefined ? name : `${name} (${noBrowser})`, async (context) => {
  if (noBrowser !== undefined) return context.skip(noBrowser)
  const env = { NODE_ENV: 'test', FORCESAVE_INTERVAL_S: '1' }
  await using app = await startApp({ env, overrides: { background: true } })
  await using browser = await startBrowser()
  await using opened = await openPage(browser, app)
  const { page, complaints } = opened
  const id = await app.upload('report.docx', makeDocx(['First', 'Second']))
  await page.goto(viewerUrl(app, id))
  expect(await page.textContent('.badge')).toBe('emulator')
  await paragraphOf(page, 1).fill('Changed in the browser')

  await vi.waitFor(
    async () => expect(docxParagraphs(await app.download(id))).toEqual(['Changed in the browser', 'Second']),
    { timeout: 10_000, interval: 200 },
  )
  await page
    .locator('#save-state')
    .getByText(/^Saved at \d\d:\d\d:\d\d$/)
    .waitFor()
  expect(await page.locator('#trouble').isVisible()).toBe(false)
  expect(complaints).toEqual([])

  await page.close()
  await vi.waitFor(
    async () =>
      expect(
        (await app.versions(id)).map(({ versionNumber, kind, isCurrent }) => [
          versionNumber,
          kind,
          isCurrent,
        ]),
      ).toEqual([
        [2, 'final', true],
        [1, 'upload', false],
      ]),
    { timeout: 10_000, interval: 200 },
  )
  expect(docxParagraphs(await app.download(id))).toEqual(['Changed in the browser', 'Second'])
})
