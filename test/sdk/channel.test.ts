import { afterAll, describe, expect, test } from 'vitest'
import { startPair } from '../docserver/support.ts'
import { noBrowser, startBrowser } from '../support/browser.ts'
import { makeDocx } from '../support/files.ts'
import { embedToken, scriptFor } from './framed-editor.ts'
import { type HostPage, startHostSite } from './host-site.ts'

const EVERYTHING = ['view', 'edit', 'comment']
const HELLO = 'nuto-editor:hello'
const PORT = 'nuto-editor:port'

describe.skipIf(noBrowser !== undefined)(`between the site and the page${noBrowser ?? ''}`, async () => {
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

  async function openEditor(): Promise<{ host: HostPage; id: string; token: string }> {
    const id = await app.upload('report.docx', makeDocx(['One']))
    const token = await embedToken(app, id, { permissions: EVERYTHING })
    const host = await site.open(scriptFor({ serverUrl: app.url, documentId: id, token }))
    await host.heard('onReady')
    return { host, id, token }
  }

  /** Everything that was posted before has arrived when the editor has answered. */
  const answered = (host: HostPage) => host.page.evaluate("editor.setTitle('Real')")

  test('the site gives no port to a window that is not its frame, though of the same origin', async () => {
    const { host, id, token } = await openEditor()
    await using _closing = host
    // An embed without the SDK, as in the API page's iframe sample, says hello like any other.
    await host.page.evaluate(`new Promise((resolve) => {
      const other = document.createElement('iframe')
      other.id = 'other'
      other.src = '${app.url}/embed/docs/${id}?token=${token}'
      other.onload = resolve
      document.body.append(other)
    })`)
    const other = host.page.frameLocator('#other').locator('body')
    const own = host.frame.locator('body')
    const ask = `
      window.given = 0
      addEventListener('message', ({ data, ports }) => { if (data === '${PORT}') window.given += ports.length })
      parent.postMessage('${HELLO}', '*')`
    await other.evaluate(ask)
    await answered(host)
    await own.evaluate(ask)
    await expect.poll(() => own.evaluate('window.given')).toBe(1)
    expect(await other.evaluate('window.given')).toBe(0)
  })

  test('the site hears hello from no other origin and not from itself', async () => {
    const { host } = await openEditor()
    await using _closing = host
    const ports = await host.page.evaluate(`(async () => {
      let made = 0
      const { MessageChannel: Real } = window
      window.MessageChannel = class extends Real { constructor() { super(); made += 1 } }
      const frame = document.querySelector('iframe')
      postMessage('${HELLO}', '*')
      // As a browser would deliver them: the right origin from elsewhere, the right frame by now elsewhere.
      for (const init of [
        { origin: '${new URL(app.url).origin}', source: window },
        { origin: 'https://evil.example', source: frame.contentWindow },
        { origin: '${new URL(app.url).origin}', source: null },
      ]) dispatchEvent(new MessageEvent('message', { data: '${HELLO}', ...init }))
      await editor.setTitle('Real')
      const forged = made
      dispatchEvent(new MessageEvent('message', { data: '${HELLO}', origin: '${new URL(app.url).origin}', source: frame.contentWindow }))
      return [forged, made]
    })()`)
    expect(ports).toEqual([0, 1])
  })

  /** Posts a port to a window and asks for a title through it. */
  const forge = (to: string) => `(() => {
    const { port1, port2 } = new MessageChannel()
    window.answers = []
    port1.onmessage = ({ data }) => window.answers.push(data)
    port1.postMessage({ id: 1, command: 'setTitle', argument: 'Forged' })
    ${to}.postMessage('${PORT}', '*', [port2])
  })()`

  test('the page takes one port only', async () => {
    const { host, id } = await openEditor()
    await using _closing = host
    await host.page.evaluate(forge("document.querySelector('iframe').contentWindow"))

    await answered(host)

    expect(await host.page.evaluate('window.answers')).toEqual([])
    expect((await host.told()).filter(({ event }) => event === 'title')).toEqual([
      { event: 'title', data: { title: 'Real' } },
    ])
    expect(await (await app.fetch(`/api/documents/${id}`)).json()).toMatchObject({ title: 'Real' })
  })

  test('the page takes a port from its parent only, and does nothing else than what is listed', async () => {
    const id = await app.upload('report.docx', makeDocx(['One']))
    const token = await embedToken(app, id, { permissions: EVERYTHING })
    await using host = await site.open(`
      const frame = document.createElement('iframe')
      frame.src = '${app.url}/embed/docs/${id}?token=${token}'
      document.getElementById('editor-container').append(frame)`)
    await host.paragraph(1).waitFor()
    // The editor of Document Server, inside the page.
    const inner = host.editor.locator('body')
    await inner.evaluate(forge('parent'))

    const answer = await host.page.evaluate(`new Promise((resolve) => {
      const { port1, port2 } = new MessageChannel()
      port1.onmessage = ({ data }) => data.id && resolve(data)
      port1.postMessage({ id: 7, command: 'constructor' })
      document.querySelector('iframe').contentWindow.postMessage('${PORT}', '*', [port2])
    })`)

    expect(answer).toEqual({ id: 7, error: { code: 'failed', message: 'constructor is not known here' } })
    expect(await inner.evaluate('window.answers')).toEqual([])
    expect(await (await app.fetch(`/api/documents/${id}`)).json()).toMatchObject({ title: 'report' })
  })

  test('a page that nobody frames says nothing to itself', async () => {
    const id = await app.upload('report.docx', makeDocx(['One']))
    const token = await embedToken(app, id, { permissions: EVERYTHING })
    const context = await browser.newContext()
    const page = await context.newPage()
    await page.addInitScript('window.heard = []; addEventListener("message", ({ data }) => heard.push(data))')
    await page.goto(`${app.url}/embed/docs/${id}?token=${token}`)
    await page.frameLocator('iframe[name=frameEditor]').getByLabel('Paragraph 1', { exact: true }).waitFor()
    expect(await page.evaluate('window.heard.filter((data) => typeof data === "string")')).toEqual([])
    await context.close()
  })
})
