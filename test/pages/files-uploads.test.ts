import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { noBrowser } from '../support/browser.ts'
import { makeDocx, makeXlsx } from '../support/files.ts'
import { eventually, useStage } from './files-support.ts'

const stage = useStage({ env: { MAX_FILE_BYTES: String(4 * 1024 ** 2) } })

const DOCX = { name: 'Dropped.docx', mimeType: '', buffer: makeDocx(['Dropped']) }

/** Bytes that a browser drags over an element and lets go there. */
async function drop(page: Page, target: string, files: { name: string; buffer: Buffer }[]): Promise<void> {
  const given = files.map(({ name, buffer }) => ({ name, base64: buffer.toString('base64') }))
  const transfer = await page.evaluateHandle(`(() => {
    const transfer = new DataTransfer()
    for (const { name, base64 } of ${JSON.stringify(given)}) {
      transfer.items.add(new File([Uint8Array.from(atob(base64), (one) => one.charCodeAt(0))], name))
    }
    return transfer
  })()`)
  await page.dispatchEvent(target, 'dragover', { dataTransfer: transfer })
  await page.locator('#drop').waitFor()
  await page.dispatchEvent(target, 'drop', { dataTransfer: transfer })
  await page.locator('#drop').waitFor({ state: 'hidden' })
}

describe.skipIf(noBrowser !== undefined)(`uploads ${noBrowser ?? ''}`, () => {
  test('files dropped onto the page are documents of the folder that is shown', async () => {
    await using desk = await stage.open()
    const { page } = desk
    await desk.show('/files', { folder: '/Inbox' })
    await drop(page, 'main', [DOCX, { name: 'Table.xlsx', buffer: makeXlsx([['One']]) }])
    await eventually(async () => (await desk.titles()).toSorted()).toEqual(['Dropped', 'Table'])
    await page.getByRole('region', { name: 'Uploads' }).getByText('2 uploaded').waitFor()
    const { documents } = (await (
      await stage.asAdministrator('GET', `/api/documents?workspaceId=${desk.workspaceId}`)
    ).json()) as { documents: { folder: string }[] }
    expect(documents.map(({ folder }) => folder)).toEqual(['/Inbox', '/Inbox'])
    expect(desk.complaints).toEqual([])
  })

  test('files dropped onto a folder go there, and the page says so before', async () => {
    await using desk = await stage.open()
    const { page } = desk
    await desk.make('In there', { folder: '/Reports' })
    await desk.show('/files')
    const folder = 'li[data-folder="/Reports"]'
    await page.dispatchEvent(folder, 'dragover', {
      dataTransfer: await page.evaluateHandle(
        "(() => { const one = new DataTransfer(); one.items.add(new File(['x'], 'x')); return one })()",
      ),
    })
    expect(await page.locator('#drop').textContent()).toBe('Drop to upload into /Reports')
    await drop(page, folder, [DOCX])
    await page.getByRole('link', { name: 'Reports 2 documents' }).waitFor()
  })

  test('files are chosen with the button; each that is refused says why in plain words', async () => {
    await using desk = await stage.open()
    const { page } = desk
    await desk.show('/files')
    const chooser = page.waitForEvent('filechooser')
    await page.getByRole('button', { name: 'Upload' }).click()
    await (await chooser).setFiles([
      DOCX,
      { name: 'virus.exe', mimeType: '', buffer: Buffer.from('MZ') },
      { name: 'no.xlsx', mimeType: '', buffer: Buffer.from('no workbook') },
      { name: 'empty.docx', mimeType: '', buffer: Buffer.alloc(0) },
      { name: 'large.docx', mimeType: '', buffer: Buffer.alloc(4 * 1024 ** 2 + 1) },
      { name: '<img src=x onerror=alert(1)>\u202e.docx', mimeType: '', buffer: makeDocx(['x']) },
    ])
    const uploads = page.getByRole('region', { name: 'Uploads' })
    await uploads.getByText('2 uploaded, 4 failed').waitFor()
    const said = await uploads.getByRole('listitem').allTextContents()
    expect(said).toEqual([
      'Dropped.docxUploadedOpen',
      'virus.exeThe editor cannot open files of this kind',
      'no.xlsxThe content is not what the file name says',
      'empty.docxThe file is empty',
      'large.docxLarger than 4.2 MB, the limit for one file',
      '<img src=x onerror=alert(1)>\u202e.docxUploadedOpen',
    ])
    expect(await uploads.getByRole('link', { name: 'Open Dropped' }).getAttribute('href')).toMatch(/viewer/)
    await uploads.getByRole('button', { name: 'Close' }).click()
    expect(await uploads.isVisible()).toBe(false)
  })

  test('one that is cancelled in the middle leaves nothing; the others go on', async () => {
    await using desk = await stage.open()
    const { page } = desk
    await desk.show('/files')
    const network = await page.context().newCDPSession(page)
    const slow = { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 256 * 1024 }
    await network.send('Network.emulateNetworkConditions', slow)
    const large = makeDocx([Array.from({ length: 300_000 }, () => Math.random().toString(36)).join('')])
    await page.locator('#chosen-files').setInputFiles([
      { name: 'Large.docx', mimeType: '', buffer: large },
      { name: 'Small.txt', mimeType: '', buffer: Buffer.from('small') },
    ])
    const line = page.getByRole('listitem').filter({ hasText: 'Large.docx' })
    await eventually(async () =>
      Number(await line.getByRole('progressbar').getAttribute('value')),
    ).toBeGreaterThan(0)
    await eventually(async () => (await readdir(join(stage.app.dataDir, 'tmp'))).length).toBeGreaterThan(0)
    await page.getByRole('button', { name: 'Cancel Large.docx' }).click()
    await line.getByText('Cancelled').waitFor()
    await network.send('Network.emulateNetworkConditions', { ...slow, uploadThroughput: -1 })
    await eventually(desk.titles).toEqual(['Small'])
    await eventually(() => readdir(join(stage.app.dataDir, 'tmp'))).toEqual([])
    await page.getByText('1 uploaded').waitFor()
  })

  test('one whose connection breaks can be tried again, and is there once', async () => {
    await using desk = await stage.open()
    const { page } = desk
    await desk.show('/files')
    await page.route('**/api/documents/upload?*', (route) => route.abort(), { times: 1 })
    await page.locator('#chosen-files').setInputFiles([DOCX])
    await page.getByText('The connection broke off').waitFor()
    await page.getByRole('button', { name: 'Try again' }).click()
    await eventually(desk.titles).toEqual(['Dropped'])
  })

  test('uploads go on while one looks into other folders, and leaving the page is asked about', async () => {
    await using desk = await stage.open()
    const { page } = desk
    await desk.make('In there', { folder: '/Reports' })
    await desk.show('/files')
    const held = Promise.withResolvers<void>()
    await page.route('**/api/documents/upload?*', async (route) => {
      await held.promise
      await route.continue()
    })
    await page.locator('#chosen-files').setInputFiles([DOCX])
    await page.getByText('1 under way').waitFor()
    await page.getByRole('link', { name: 'Reports 1 document' }).click()
    await eventually(desk.titles).toEqual(['In there'])
    const asked = page.waitForEvent('dialog')
    void page.getByRole('link', { name: 'Settings' }).click()
    const question = await asked
    expect(question.type()).toBe('beforeunload')
    await question.dismiss()
    held.resolve()
    await page.getByText('1 uploaded').waitFor()
    await page.getByRole('navigation', { name: 'Folders above' }).getByRole('link', { name: 'Files' }).click()
    await eventually(desk.titles).toEqual(['Dropped'])
  })
})
