import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import type { Browser, FrameLocator, Page } from 'playwright-core'
import { Emulator } from '../../src/emulator/emulator.ts'
import { DEVELOPMENT_SECRET } from '../../src/emulator/start.ts'
import type { SignedConfig } from '../../src/emulator/types.ts'
import { FAST } from './host.ts'

export const PATIENT = { timeout: 8000 }

export const BASIC_EVENTS =
  'onAppReady onDocumentReady onDocumentStateChange onInfo onError onWarning onRequestRefreshFile onMetaChange onRequestClose'.split(
    ' ',
  )

/** A page that embeds the editor; the emulator stands under a sub-path, as in the service. */
export async function startSite() {
  const pages = new Map<string, { config: SignedConfig; events: readonly string[] }>()
  const app = express()
  const server = createServer(app)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const emulator = new Emulator({ secret: DEVELOPMENT_SECRET, publicUrl: `${url}/emulator`, timings: FAST })
  // What a service with strict headers sets for all its answers.
  app.use((_request, response, next) => {
    response.set('X-Frame-Options', 'SAMEORIGIN')
    next()
  })
  app.use('/emulator', emulator.router)
  app.get('/host/:name', (request, response) => {
    const { config, events } = pages.get(request.params.name) ?? {}
    const portable = JSON.stringify({ config, events }).replaceAll('<', '\\u003c')
    response.type('html').send(`<!doctype html><meta charset="utf-8"><title>host</title>
<style>html,body{margin:0;height:100%}</style><div id="placeholder"></div>
<script src="${url}/emulator/web-apps/apps/api/documents/api.js"></script><script>
window.events = []
const { config, events } = ${portable}
const listen = (name) => ({ data }) => window.events.push([name, data])
config.events = Object.fromEntries(events.map((name) => [name, listen(name)]))
window.editor = new DocsAPI.DocEditor('placeholder', config)
</script>`)
  })
  return {
    emulator,
    url,
    /** Prepares the page /host/NAME. */
    show(name: string, config: SignedConfig, events: readonly string[] = BASIC_EVENTS) {
      pages.set(name, { config, events })
    },
    async [Symbol.asyncDispose]() {
      await emulator.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export type Site = Awaited<ReturnType<typeof startSite>>

export type OpenEditor = { page: Page; frame: FrameLocator; problems: string[] }

/** @param from a page, which goes on to this address, or the browser for a new one */
export async function openPage(from: Browser | Page, address: string): Promise<OpenEditor> {
  const page = 'newPage' in from ? await from.newPage({ viewport: { width: 1000, height: 700 } }) : from
  page.setDefaultTimeout(PATIENT.timeout)
  const problems: string[] = []
  page.on('pageerror', (error) => problems.push(String(error)))
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.location().url.endsWith('/favicon.ico'))
      problems.push(message.text())
  })
  await page.goto(address)
  return { page, frame: page.frameLocator('iframe'), problems }
}

/** Opens the menu of tools, once the document is there. */
export async function openTools(frame: FrameLocator): Promise<void> {
  await frame.locator('[data-tools] > summary').click()
}

export const eventsOf = (page: Page) => page.evaluate('window.events') as Promise<[string, unknown][]>

/** Calls a method of the editor, as the host page does. */
export function callEditor(page: Page, method: string, argument?: unknown): Promise<unknown> {
  return page.evaluate(`window.editor.${method}(${argument === undefined ? '' : JSON.stringify(argument)})`)
}

/** What a host page can listen to. */
export const ALL_EVENTS = (
  'onRequestHistory onRequestHistoryData onRequestHistoryClose onRequestRestore onRequestRename onRequestSaveAs ' +
  'onRequestInsertImage onRequestSelectDocument onRequestSelectSpreadsheet onRequestMailMergeRecipients ' +
  'onRequestCompareFile onRequestReferenceData onRequestReferenceSource onRequestOpen onRequestUsers ' +
  'onRequestSendNotify onRequestSharingSettings onMakeActionLink onMetaChange onRequestEditRights ' +
  'onRequestCreateNew onRequestStartFilling onStartFilling onRequestFillingStatus onSubmit onDownloadAs ' +
  'onRequestClose onUserActionRequired onInfo onWarning onError onSaveDocument onCollaborativeChanges ' +
  'onPluginsReady onAppReady onDocumentReady onDocumentStateChange onRequestRefreshFile onOutdatedVersion'
).split(' ')

/** Opens this document in a page, as `openPage`, that listens to these events. */
export async function openDocument(
  site: Site,
  config: SignedConfig,
  from: Browser | Page,
  events: readonly string[] = ALL_EVENTS,
): Promise<OpenEditor> {
  site.show(config.document.key, config, events)
  const opened = await openPage(from, `${site.url}/host/${config.document.key}`)
  await opened.frame.locator('[data-paragraph="0"], #notice:not([hidden])').first().waitFor()
  await opened.frame.locator('#state:not(:text("Loading…"))').waitFor({ state: 'attached' })
  return opened
}
