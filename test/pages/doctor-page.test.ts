import { createServer } from 'node:http'
import express from 'express'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { doctorOperations } from '../../src/api/administration-doctor.ts'
import { serveOperations } from '../../src/api/operation.ts'
import { createRepeats } from '../../src/api/repeats.ts'
import { createTokens } from '../../src/core/tokens.ts'
import { type Check, failed, passed, warned } from '../../src/doctor/check.ts'
import { createContinuousDoctor } from '../../src/doctor/continuous.ts'
import { createAuthentication } from '../../src/http/authentication.ts'
import { createCsrf } from '../../src/http/csrf.ts'
import { problemJson } from '../../src/http/problem-json.ts'
import { createAppPages } from '../../src/pages/app-page.ts'
import { assetRoutes } from '../../src/pages/asset-routes.ts'
import { doctorPage } from '../../src/pages/doctor-page.ts'
import { serviceHeaders } from '../../src/pages/headers.ts'
import { liveRoute } from '../../src/pages/live-route.ts'
import { createViews } from '../../src/pages/views.ts'
import { ADMIN_TOKEN, startApp, type TestApp } from '../support/app.ts'
import { noBrowser, openPage, startBrowser } from '../support/browser.ts'
import { looksWell } from './operator-support.ts'

const ROOT = 'tests-root-secret-0123456789-0123456789'
const text = { timeout: 10_000 }

/** The page alone over a doctor that sees what the test says. */
async function startDoctorPage(app: TestApp) {
  let checks: Check[] = []
  let rounds = 0
  const { deps } = app
  const routes = express()
  const server = createServer(routes)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
  const tokens = createTokens(ROOT, deps.clock, ADMIN_TOKEN)
  const csrf = createCsrf(ROOT, url)
  const log = pino({ level: 'silent' })
  // The parts are for the real look, which is replaced.
  const parts = { clock: deps.clock, log } as Parameters<typeof createContinuousDoctor>[0]
  const doctor = createContinuousDoctor(parts, async () => {
    rounds += 1
    return { ok: checks.every(({ result }) => result !== 'fail'), checks }
  })
  const send = createAppPages(createViews({ basePath: '', isEmulated: false }), csrf, '')
  const authentication = createAuthentication(deps, tokens, ADMIN_TOKEN)
  routes.use(serviceHeaders({ publicUrl: url }))
  routes.use(assetRoutes())
  const pages = { deps, tokens, send, basePath: '', streams: new Set<express.Response>(), doctor }
  routes.use(liveRoute(pages), doctorPage(pages))
  const served = { tokens, authentication, csrf, repeats: createRepeats(deps, ROOT), deps }
  routes.use('/api', serveOperations(served, doctorOperations({ doctor })))
  routes.use(problemJson(log))
  return {
    url,
    doctor,
    cookie: { name: 'docs_administrator', value: tokens.issue('administrator', {}, 3600), url },
    see: (seen: Check[]) => {
      checks = seen
    },
    rounds: () => rounds,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const BROKEN = [
  failed(
    'own-private-address',
    'Document Server does not fetch from the private address <b>10.0.0.5</b>',
    'Put this into local.json of Document Server: {"services":{"CoAuthoring":{"request-filtering-agent":{"allowPrivateIPAddress":true}}}}',
  ),
  warned('disk-room', '900 MB are free', 'Make room on the disk of DATA_DIR.'),
  passed('api-js', 'https://docs.example.com/web-apps/apps/api/documents/api.js loads'),
]

let app: TestApp
let browser: Awaited<ReturnType<typeof startBrowser>>
beforeAll(async () => {
  app = await startApp()
  if (noBrowser === undefined) browser = await startBrowser()
})
afterAll(async () => {
  await browser?.close()
  await app[Symbol.asyncDispose]()
})

describe.skipIf(noBrowser !== undefined)(`the doctor's page ${noBrowser ?? ''}`, () => {
  test('shows leg, result, evidence and fix, and what was mended after another look', async () => {
    await using service = await startDoctorPage(app)
    await using opened = await openPage(browser, app, { signedIn: false })
    const { page, context, complaints } = opened
    await context.addCookies([service.cookie])
    await page.goto(`${service.url}/admin/doctor`)
    await page.getByText('Nothing has been looked at yet.').waitFor()

    service.see(BROKEN)
    await page.getByRole('button', { name: 'Run again now' }).click()
    await page.getByText('1 check fails, 1 warning').waitFor(text)
    await page.getByText('Looked again.').waitFor()
    expect(service.rounds()).toBe(2)
    const leg = page.getByRole('region', { name: 'Document Server → us' })
    const row = leg.getByRole('row').filter({ hasText: 'own-private-address' })
    expect(await row.textContent()).toContain('private address <b>10.0.0.5</b>')
    expect(await row.textContent()).toContain('allowPrivateIPAddress')
    expect(await page.getByRole('region', { name: 'service' }).textContent()).toContain('Make room')

    service.see(BROKEN.map(({ id }) => passed(id, 'as it should be')))
    await page.getByRole('button', { name: 'Run again now' }).click()
    await page.getByText('All is well').waitFor(text)
    expect(await page.getByText('To do:').count()).toBe(0)
    expect(complaints).toEqual([])

    service.see(BROKEN)
    await service.doctor.round()
    await service.doctor.round()
    await looksWell({ browser, context, app: { ...app, url: service.url } }, '/admin/doctor', {
      name: 'doctor',
    })
  })
})

test('another look is for the administrator, and for a page of ours', async () => {
  await using service = await startDoctorPage(app)
  const ask = (headers: Record<string, string>) =>
    fetch(`${service.url}/api/administration/doctor`, { method: 'POST', headers }).then(
      ({ status }) => status,
    )
  const cookie = `${service.cookie.name}=${service.cookie.value}`
  expect(await ask({})).toBe(401)
  expect(await ask({ authorization: `Bearer ${app.token}` })).toBe(401)
  expect(await ask({ cookie })).toBe(403)
  expect(await ask({ cookie, origin: service.url, 'x-csrf-token': 'wrong' })).toBe(403)
  expect(service.rounds()).toBe(0)
  expect(await ask({ authorization: `Bearer ${ADMIN_TOKEN}` })).toBe(200)
  expect(service.rounds()).toBe(2)
})
