import { createHash } from 'node:crypto'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DEVELOPMENT_SECRET } from '../../src/emulator/start.ts'
import { noBrowser, startBrowser } from '../support/browser.ts'
import { documentAt, type Host, signed, signedArgument, startHost } from './host.ts'
import {
  BASIC_EVENTS,
  callEditor,
  eventsOf,
  type OpenEditor,
  openPage,
  PATIENT,
  type Site,
  startSite,
} from './site.ts'

let browser: Browser
beforeAll(async () => {
  if (noBrowser === undefined) browser = await startBrowser()
})
afterAll(() => browser?.close())

const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

async function openDocument(site: Site, host: Host, key: string, events = BASIC_EVENTS): Promise<OpenEditor> {
  site.show(key, documentAt(host, { key }), events)
  const opened = await openPage(browser, `${site.url}/host/${key}`)
  await opened.frame.locator('[data-paragraph="0"]').waitFor()
  return opened
}

/** Serves these bytes at the host and gives their address. */
function fileAt(host: Host, path: string, bytes: Buffer): string {
  host.files.set(`/files/${path}`, bytes)
  return `${host.url}/files/${path}`
}

const lastCall = (site: Site, key: string) => site.emulator.methodCalls(key).at(-1)

/** The methods whose argument is signed, each with one. */
function signedCalls(url: string): [string, object][] {
  const file = { fileType: 'xlsx', url }
  const reference = { ...file, key: 'k', path: 'a.xlsx', referenceData: { fileKey: 'f', instanceId: 'i' } }
  return [
    ['insertImage', { c: 'add', images: [{ fileType: 'png', url }] }],
    ['setHistoryData', { ...file, key: 'k', version: 2 }],
    ['setMailMergeRecipients', file],
    ['setReferenceData', reference],
    ['setReferenceSource', reference],
    ['setRequestedDocument', { c: 'compare', ...file }],
    ['setRequestedSpreadsheet', { c: 'mailmerge', ...file }],
    ['setRevisedFile', file],
  ]
}

describe.skipIf(noBrowser)('methods of the editor in Chromium', () => {
  test('each signed argument is checked, and its address is fetched as Document Server would', async () => {
    await using host = await startHost()
    await using site = await startSite()
    const { page, problems } = await openDocument(site, host, 'good')
    const url = fileAt(host, 'image.png', PNG)
    const fetched = [{ url, status: 200, sha256: sha256(PNG), size: PNG.length }]
    for (const [method, argument] of signedCalls(url)) {
      const given = signedArgument(argument)
      await callEditor(page, method, given)
      await expect
        .poll(() => lastCall(site, 'good'), PATIENT)
        .toMatchObject({ method, argument: given, isTokenValid: true, fetched })
    }
    const { authorization = '' } = host.downloads.at(-1)?.headers ?? {}
    expect(JSON.parse(atob(authorization.split('.')[1] ?? ''))).toMatchObject({ payload: { url } })
    expect(problems).toEqual([])
    expect(await eventsOf(page)).not.toContainEqual(['onError', expect.anything()])
    await page.close()
  })

  test.each([
    ['missing', -20, (argument: object) => argument],
    ['bad', -20, (argument: object) => signedArgument(argument, 'another-secret-0123456789abcdef0123')],
    ['expired', -21, (argument: object) => signedArgument(argument, DEVELOPMENT_SECRET, -100)],
    ['differs', -20, (argument: object) => ({ ...signedArgument(argument), added: 1 })],
  ] as const)(
    'a token that is %s is refused with %i, and nothing is fetched',
    async (fault, errorCode, sign) => {
      await using host = await startHost()
      await using site = await startSite()
      const { page } = await openDocument(site, host, 'faulty')
      const downloads = host.downloads.length
      const calls = signedCalls(fileAt(host, 'image.png', PNG))
      for (const [method, argument] of calls) await callEditor(page, method, sign(argument))
      await expect.poll(() => site.emulator.methodCalls('faulty').length, PATIENT).toBe(1 + calls.length)
      for (const call of site.emulator.methodCalls('faulty').slice(1)) {
        expect(call).toMatchObject({ isTokenValid: false, tokenFault: fault })
        expect(call.fetched).toBeUndefined()
      }
      expect(host.downloads).toHaveLength(downloads)
      await expect
        .poll(async () => (await eventsOf(page)).filter(([name]) => name === 'onError'), PATIENT)
        .toEqual(calls.map(() => ['onError', expect.objectContaining({ errorCode })]))
      await page.close()
    },
  )

  test('the configs of an opening and of refreshFile are checked as well', async () => {
    await using host = await startHost()
    await using site = await startSite()
    const { page } = await openDocument(site, host, 'first')
    const next = documentAt(host, { key: 'next' })
    const changed = { ...next, document: { ...next.document, permissions: { edit: false } } }
    await callEditor(page, 'refreshFile', changed)
    await callEditor(page, 'refreshFile', signed(next, DEVELOPMENT_SECRET, -100))
    await callEditor(page, 'refreshFile', next)
    await expect.poll(() => site.emulator.methodCalls('next').length, PATIENT).toBe(3)
    expect(site.emulator.methodCalls().map((call) => [call.method, call.key, call.tokenFault])).toEqual([
      ['DocEditor', 'first', undefined],
      ['refreshFile', 'next', 'differs'],
      ['refreshFile', 'next', 'expired'],
      ['refreshFile', 'next', undefined],
    ])
    await page.close()
  })

  test('an address that does not work is told by its status and by error -4', async () => {
    await using host = await startHost()
    await using site = await startSite()
    const { page } = await openDocument(site, host, 'lost')
    const url = `${host.url}/files/nowhere.docx`
    await callEditor(page, 'setRequestedDocument', signedArgument({ c: 'compare', fileType: 'docx', url }))
    await expect.poll(() => lastCall(site, 'lost')?.fetched, PATIENT).toMatchObject([{ url, status: 404 }])
    await expect
      .poll(() => eventsOf(page), PATIENT)
      .toContainEqual(['onError', expect.objectContaining({ errorCode: -4 })])
    await page.close()
  })

  test.each([true, false])('the browser fetches changesUrl itself; allowed by CORS: %s', async (cors) => {
    await using host = await startHost({ cors })
    await using site = await startSite()
    const { page } = await openDocument(site, host, 'history')
    const url = fileAt(host, 'two.docx', PNG)
    const previous = { fileType: 'docx', key: 'one', url: fileAt(host, 'one.docx', Buffer.from('one')) }
    const changesUrl = fileAt(host, 'changes.zip', Buffer.from('changes'))
    const argument = { changesUrl, fileType: 'docx', key: 'two', previous, url, version: 2 }
    await callEditor(page, 'setHistoryData', signedArgument(argument))
    await expect.poll(() => lastCall(site, 'history')?.fetched?.length, PATIENT).toBe(3)
    expect(lastCall(site, 'history')?.fetched).toMatchObject([
      { url, status: 200, sha256: sha256(PNG) },
      { url: previous.url, status: 200, size: 3 },
      cors ? { url: changesUrl, status: 200, size: 7 } : { url: changesUrl, status: 0, size: 0 },
    ])
    const fetchedByBrowser = host.downloads.find((received) => received.url === '/files/changes.zip')
    if (cors) expect(fetchedByBrowser?.headers.authorization).toMatch(/^Bearer ey/)
    else expect(fetchedByBrowser).toBeUndefined()
    await page.close()
  })

  test('what the host hands back is to be seen in the editor', async () => {
    await using host = await startHost()
    await using site = await startSite()
    const { page, frame, problems } = await openDocument(site, host, 'seen')
    const images = [{ fileType: 'png', url: fileAt(host, 'image.png', PNG) }]
    await callEditor(page, 'insertImage', signedArgument({ c: 'fill', images }))
    await callEditor(page, 'setActionLink', 'https://example.com/#bookmark')
    await callEditor(page, 'setSharingSettings', {
      sharingSettings: [{ user: 'Ann', permissions: 'Full Access' }],
    })
    await callEditor(page, 'setUsers', { c: 'info', users: [{ id: 'u1', name: 'Ann', email: 'a@b.c' }] })
    await callEditor(page, 'setReferenceData', { error: 'There is no such file' })
    await callEditor(page, 'showMessage', 'Hello')
    await frame.getByText('Hello').waitFor()
    const image = frame.locator('img[data-inserted="fill"]')
    await expect.poll(() => image.evaluate(({ naturalWidth }) => naturalWidth), PATIENT).toBe(1)
    const result = (name: string) => frame.locator(`[data-result="${name}"]`)
    expect(await result('action-link').locator('a').textContent()).toBe('https://example.com/#bookmark')
    expect(await result('sharing').locator('[data-user="Ann"]').textContent()).toBe('Ann: Full Access')
    expect(await result('users').locator('[data-user-id="u1"]').textContent()).toBe('Ann · a@b.c')
    expect(await result('reference-data').textContent()).toContain('There is no such file')
    expect(problems).toEqual([])
    await page.close()
  })

  test('the editor that is denied its rights leaves the document', async () => {
    await using host = await startHost()
    await using site = await startSite()
    const { page, frame } = await openDocument(site, host, 'denied')
    await callEditor(page, 'denyEditingRights', 'No more')
    await frame.getByText('No more').waitFor()
    await expect.poll(() => host.statuses('denied'), PATIENT).toEqual([1, 4])
    await page.close()
  })
})
