import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { bearerWith, startPair } from '../docserver/support.ts'
import { fill } from '../quickstarts/samples.ts'
import { noBrowser, startBrowser } from '../support/browser.ts'
import { docxParagraphs, makeDocx } from '../support/files.ts'
import { embedToken, PATIENT_MS, scriptFor } from './framed-editor.ts'
import { type HostPage, startHostSite } from './host-site.ts'

const PAGE = join(import.meta.dirname, '../../../shared/sources/nuto-api-docs.txt')
const SAMPLE = await readFile(join(import.meta.dirname, 'page/editor.mjs'), 'utf8')

const UUID_NOBODY = '01a1fd34-93a4-7c3f-a6fc-8d46f7fa269d'
const EVERYTHING = ['view', 'edit', 'comment']

test.skipIf(!existsSync(PAGE))('the sample is the page’s own, but for line breaks', async () => {
  const oneLine = (text: string) => text.replaceAll(/\s+/g, ' ').trim()
  expect(oneLine(await readFile(PAGE, 'utf8'))).toContain(oneLine(SAMPLE))
})

describe.skipIf(noBrowser !== undefined)(
  `the editor in a page of another site${noBrowser ?? ''}`,
  async () => {
    if (noBrowser !== undefined) return
    const browser = await startBrowser()
    const pair = await startPair()
    const { app } = pair
    const site = await startHostSite(browser, app)
    afterAll(async () => {
      await browser.close()
      await site[Symbol.asyncDispose]()
      await pair[Symbol.asyncDispose]()
    })

    const upload = () => app.upload('report.docx', makeDocx(['One', 'Two']))

    /** Types into the first paragraph and waits until the editor has handed it over. */
    async function type({ paragraph, editor }: HostPage, text: string): Promise<void> {
      await paragraph(1).fill(text)
      await editor.getByText('All changes sent').waitFor()
    }

    /** @returns the code that a call is refused with; undefined when it is done */
    function refusalOf(host: HostPage, call: string): Promise<string | undefined> {
      return host.page.evaluate(`editor.${call}.then(() => undefined, ({ code }) => code)`)
    }

    test('the API page’s sample opens, edits and is told of the save', async () => {
      const id = await upload()
      const sample = fill(SAMPLE, {
        'https://nuto.thamming.com': app.url,
        'your-document-id': id,
        'your-jwt-token': app.token,
      })
      await using host = await site.open(sample)

      await vi.waitFor(() => expect(host.logged).toContain('Ready!'), PATIENT_MS)
      await type(host, 'Typed on another site')
      expect(host.logged).not.toContain('Saved')
      await host.editor.getByRole('button', { name: 'Save' }).click()

      await vi.waitFor(() => expect(host.logged).toContain('Saved'), PATIENT_MS)
      expect(docxParagraphs(await app.download(id))).toEqual(['Typed on another site', 'Two'])
      expect(host.complaints).toEqual([])
      const frame = host.page.locator('#editor-container iframe')
      expect(await frame.getAttribute('title')).toBe('Document editor')
      expect(await frame.getAttribute('referrerpolicy')).toBe('no-referrer')
      expect(await frame.boundingBox()).toMatchObject({ height: 600 })
    })

    test('an embed token opens, and the save is told with document, version and time', async () => {
      const id = await upload()
      const token = await embedToken(app, id, { permissions: EVERYTHING, user: { id: 'eve', name: 'Eve' } })
      await using host = await site.open(
        scriptFor({ serverUrl: app.url, documentId: id, token, type: 'Docs' }),
      )

      await host.heard('onReady')
      await type(host, 'By Eve')
      await host.editor.getByRole('button', { name: 'Save' }).click()

      const { data } = await host.heard('onSave')
      expect(data).toEqual({
        documentId: id,
        versionNumber: 2,
        savedAt: expect.stringMatching(/^\d{4}-.*Z$/),
      })
      expect((await app.versions(id))[0]).toMatchObject({ versionNumber: 2, createdBy: 'Eve' })
      expect(host.complaints).toEqual([])
    })

    test('save() stores what is typed and gives its version', async () => {
      const id = await upload()
      await using host = await site.open(scriptFor({ serverUrl: app.url, documentId: id, token: app.token }))
      await host.heard('onReady')
      await type(host, 'Saved by the site')

      const saved = await host.page.evaluate('editor.save()')

      expect(saved).toEqual({ versionNumber: 2, savedAt: expect.stringMatching(/^\d{4}-.*Z$/) })
      expect(docxParagraphs(await app.download(id))).toEqual(['Saved by the site', 'Two'])
      expect(await host.heard('onSave')).toMatchObject({ data: { documentId: id, versionNumber: 2 } })
      expect(await host.page.evaluate('editor.save()')).toMatchObject({ versionNumber: 2 })
    })

    test('save() waits for text that is on its way to Document Server', async () => {
      const id = await upload()
      await using host = await site.open(scriptFor({ serverUrl: app.url, documentId: id, token: app.token }))
      await host.heard('onReady')
      const isAsked = Promise.withResolvers<void>()
      await host.page.route('**/edits', async (route) => {
        await isAsked.promise
        await route.continue()
      })
      await host.paragraph(1).fill('On its way')

      const saved = host.page.evaluate('editor.save()')
      // The page takes up one command after the other.
      await host.page.evaluate("editor.setTitle('Renamed meanwhile')")
      isAsked.resolve()

      await saved
      expect(docxParagraphs(await app.download(id))).toEqual(['On its way', 'Two'])
    })

    test('setTitle() renames for everybody, and a title that is none is refused', async () => {
      const id = await upload()
      await using host = await site.open(scriptFor({ serverUrl: app.url, documentId: id, token: app.token }))

      expect(await refusalOf(host, "setTitle('Yearly v1.2')")).toBeUndefined()

      expect(await host.frame.locator('#title').textContent()).toBe('Yearly v1.2.docx')
      expect(await host.heard('title')).toEqual({ event: 'title', data: { title: 'Yearly v1.2' } })
      expect(await (await app.fetch(`/api/documents/${id}`)).json()).toMatchObject({ title: 'Yearly v1.2' })
      expect(await refusalOf(host, "setTitle('')")).toBe('validation-failed')
      expect(await refusalOf(host, 'setTitle({})')).toBe('validation-failed')
    })

    test.each([
      ['an embed token for reading', {}],
      ['mode: view', { mode: 'view' }],
      ['a bearer that may only read', {}],
    ])('%s shows and does not edit', async (kind, options) => {
      const id = await upload()
      const token =
        kind === 'a bearer that may only read'
          ? await bearerWith(app, ['documents:read'])
          : await embedToken(app, id, { permissions: kind === 'mode: view' ? EVERYTHING : ['view'] })
      await using host = await site.open(scriptFor({ serverUrl: app.url, documentId: id, token, ...options }))

      await host.heard('onReady')

      expect(await host.editor.getByText('View only').isVisible()).toBe(true)
      if (kind !== 'mode: view') {
        expect(await refusalOf(host, 'save()')).toBe('grant-missing')
        expect(await refusalOf(host, "setTitle('Mine')")).toBe('grant-missing')
        expect(await (await app.fetch(`/api/documents/${id}`)).json()).toMatchObject({ title: 'report' })
      }
      // The bearer asked for more at first, which a browser notes.
      expect(host.complaints.filter((line) => !line.includes('403'))).toEqual([])
    })

    test('permissions narrow what a bearer asks for', async () => {
      const id = await upload()
      const options = { serverUrl: app.url, documentId: id, token: app.token, permissions: ['view'] }
      await using host = await site.open(scriptFor(options))
      await host.heard('onReady')
      expect(await refusalOf(host, 'save()')).toBe('grant-missing')
    })

    test.each([
      ['token-invalid', 'a wrong bearer', async () => ({ token: 'nonsense' })],
      ['document-not-found', 'no such document', async () => ({ documentId: UUID_NOBODY })],
      [
        'token-invalid',
        'an embed token of another document',
        async () => ({ token: await embedToken(app, await upload(), { permissions: ['view'] }) }),
      ],
      ['network-error', 'a server that is not there', async () => ({ serverUrl: 'http://127.0.0.1:9' })],
    ])('%s: %s', async (code, _name, wrong) => {
      const right = { serverUrl: app.url, documentId: await upload(), token: app.token }
      await using host = await site.open(scriptFor({ ...right, ...(await wrong()) }))
      expect(await host.heard('onError')).toMatchObject({ data: { code, message: expect.any(String) } })
      expect(await host.page.locator('iframe:visible').count()).toBe(0)
    })

    test('a container, type or address that is none is said at once', async () => {
      await using host = await site.open('')
      const thrown = (args: string) =>
        host.page.evaluate(`import('${app.url}/sdk/nuto-sdk.js').then(({ NutoEditor }) => {
        const right = { serverUrl: '${app.url}', documentId: 'x', type: 'docs', token: 'x' }
        try { new NutoEditor(${args}) } catch (error) { return error.message }
      })`)
      expect(await thrown("'nowhere', right")).toContain('no element with the id nowhere')
      expect(await thrown('null, right')).toContain('no element')
      expect(await thrown("'editor-container', { ...right, type: 'pdf' }")).toContain('not pdf')
      expect(await thrown("'editor-container', { ...right, serverUrl: 'http://' }")).toContain('serverUrl')
      expect(await thrown("'editor-container', { ...right, token: '' }")).toContain('token')
      expect(await host.page.locator('iframe').count()).toBe(0)
    })

    test('destroy() takes the frame away, is told once and ends what was asked', async () => {
      const id = await upload()
      await using host = await site.open(scriptFor({ serverUrl: app.url, documentId: id, token: app.token }))
      await host.heard('onReady')

      const ended = await host.page.evaluate(`(async () => {
      const asked = editor.save().catch(({ code }) => code)
      editor.destroy()
      editor.destroy()
      const frames = document.querySelectorAll('iframe').length
      return [frames, await asked, await editor.save().catch(({ code }) => code)]
    })()`)

      expect(ended).toEqual([0, 'destroyed', 'destroyed'])
      const closed = (await host.told()).filter(({ event }) => ['onClose', 'close'].includes(event))
      expect(closed.map(({ event }) => event)).toEqual(['onClose', 'close'])
    })

    test('an editor that is destroyed while it opens never shows, and says nothing', async () => {
      const id = await upload()
      const script = scriptFor({ serverUrl: app.url, documentId: id, token: app.token })
      await using host = await site.open(`${script}\neditor.destroy()`)
      await host.heard('onClose')
      await host.page.waitForLoadState('networkidle')
      expect(await host.page.locator('iframe').count()).toBe(0)
      expect((await host.told()).map(({ event }) => event)).not.toContain('onError')
    })

    test('the cross of the editor closes it', async () => {
      const id = await upload()
      await using host = await site.open(scriptFor({ serverUrl: app.url, documentId: id, token: app.token }))
      await host.heard('onReady')
      await host.editor.locator('#close').click()
      await host.heard('onClose')
      expect(await host.page.locator('iframe').count()).toBe(0)
    })

    test('a page that is loaded again in the frame is connected again', async () => {
      const id = await upload()
      await using host = await site.open(scriptFor({ serverUrl: app.url, documentId: id, token: app.token }))
      await host.heard('onReady')
      await host.page.evaluate('window.told.length = 0')

      await host.frame.locator('body').evaluate('location.reload()')

      await host.heard('onReady')
      await type(host, 'After the reload')
      expect(await host.page.evaluate('editor.save()')).toMatchObject({ versionNumber: 2 })
      expect(docxParagraphs(await app.download(id))).toEqual(['After the reload', 'Two'])
    })

    test('the site is told who else is there', async () => {
      const id = await upload()
      await using host = await site.open(scriptFor({ serverUrl: app.url, documentId: id, token: app.token }))
      await host.heard('onReady')
      const token = await embedToken(app, id, { permissions: EVERYTHING, user: { id: 'bob', name: 'Bob' } })
      await using other = await site.open(scriptFor({ serverUrl: app.url, documentId: id, token }))
      await other.heard('onReady')
      await expect
        .poll(async () => (await host.told()).findLast(({ event }) => event === 'users'), {
          timeout: PATIENT_MS,
        })
        .toMatchObject({ data: { users: [{ id: 'bob' }] } })
    })

    test('a fault of the editor is told with a code', async () => {
      const id = await upload()
      await using host = await site.open(scriptFor({ serverUrl: app.url, documentId: id, token: app.token }))
      await host.heard('onReady')
      await host.editor.locator('[data-tools] > summary').click()
      await host.editor.locator('[data-tool="signal-onError"] button').click()
      expect(await host.heard('onError')).toEqual({
        event: 'onError',
        data: { code: 'editor-error', message: expect.stringContaining('An error for a test') },
      })
    })
  },
)
