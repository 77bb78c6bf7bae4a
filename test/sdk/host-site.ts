import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser, FrameLocator, Locator, Page } from 'playwright-core'
import { vi } from 'vitest'
import type { TestApp } from '../support/app.ts'
import { editorIn, PATIENT_MS } from './framed-editor.ts'

const WAIT = { timeout: PATIENT_MS, interval: 50 }

/** What a host page notes of its editor, in `window.told`. */
export type Told = { event: string; data?: unknown }

export type HostPage = AsyncDisposable & {
  page: Page
  /** The SDK's frame. */
  frame: FrameLocator
  /** The emulator's editor in it. */
  editor: FrameLocator
  paragraph(number: number): Locator
  /** Lines of the console that are no faults. */
  logged: string[]
  /** Violations of policies, script errors and errors of the console. */
  complaints: string[]
  told(): Promise<Told[]>
  /** Waits for an event. */
  heard(event: string): Promise<Told>
}

/** Another site, on an origin of its own, whose policy lets in nothing but the service. */
export async function startHostSite(browser: Browser, app: TestApp, basePath = '') {
  const service = new URL(app.url).origin
  const pages = new Map<string, string>()
  const server = createServer((request, response) => {
    const html = pages.get(request.url ?? '')
    if (html === undefined) return response.writeHead(404).end()
    response
      .writeHead(200, {
        'content-type': 'text/html; charset=utf-8',
        'content-security-policy': [
          "default-src 'none'",
          `script-src 'nonce-host' ${service}`,
          `connect-src ${service}`,
          `frame-src ${service}`,
          "style-src 'nonce-host'",
          'img-src data:',
        ].join('; '),
      })
      .end(html)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  return {
    origin,
    /** @param script a module that may import `@nutooffice/sdk` */
    async open(script: string): Promise<HostPage> {
      const path = `/${crypto.randomUUID()}`
      pages.set(path, htmlWith(script, `${service}${basePath}/sdk`))
      const context = await browser.newContext({ locale: 'en-GB', viewport: { width: 1000, height: 700 } })
      const page = await context.newPage()
      page.setDefaultTimeout(PATIENT_MS)
      const logged: string[] = []
      const complaints: string[] = []
      page.on('console', (line) => (line.type() === 'error' ? complaints : logged).push(line.text()))
      page.on('pageerror', (error) => complaints.push(String(error)))
      await page.goto(origin + path)
      const told = (): Promise<Told[]> => page.evaluate('window.told ?? []')
      const frame = page.frameLocator('#editor-container iframe')
      const editor = editorIn(frame)
      return {
        page,
        frame,
        editor,
        paragraph: (number) => editor.getByLabel(`Paragraph ${number}`, { exact: true }),
        logged,
        complaints,
        told,
        async heard(event) {
          // The policy of the page allows no waiting by script.
          return vi.waitFor(async () => {
            const found = (await told()).find((one) => one.event === event)
            if (found === undefined) throw new Error(`not told: ${event}; ${JSON.stringify(await told())}`)
            return found
          }, WAIT)
        },
        [Symbol.asyncDispose]: () => context.close(),
      }
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** @param sdk where the service has it */
function htmlWith(script: string, sdk: string): string {
  const imports = {
    '@nutooffice/sdk': `${sdk}/nuto-sdk.js`,
    '@nutooffice/sdk/collaboration': `${sdk}/nuto-collaboration.js`,
    yjs: `${sdk}/vendor/yjs/yjs.mjs`,
    'lib0/': `${sdk}/vendor/lib0/`,
    'y-protocols/': `${sdk}/vendor/y-protocols/`,
    '@microsoft/signalr': `${sdk}/vendor/@microsoft/signalr/index.js`,
  }
  return `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <title>Another site</title>
  <link rel="icon" href="data:,">
  <style nonce="host">#editor-container { height: 600px }</style>
  <script type="importmap" nonce="host">${JSON.stringify({ imports })}</script>
</head>
<body>
  <div id="editor-container"></div>
  <script type="module" nonce="host">${script}</script>
</body>
</html>`
}
