import type { AddressInfo } from 'node:net'
import express from 'express'
import { expect, test } from 'vitest'
import { type Check, failed, passed, skipped } from '../../src/doctor/check.ts'
import { createCsrf } from '../../src/http/csrf.ts'
import { createAppPages } from '../../src/pages/app-page.ts'
import { doctorPage } from '../../src/pages/doctor-page.ts'
import type { SignedInPages } from '../../src/pages/signed-in.ts'
import { createViews } from '../../src/pages/views.ts'

/** The page as it is served when the doctor shows these. */
async function pageOf(checks: Check[], ok: boolean | undefined, BACKPLANE_URL = 'memory:'): Promise<string> {
  const send = createAppPages(
    createViews({ basePath: '', isEmulated: false }),
    createCsrf('tests-root-secret-0123456789-0123456789', 'http://localhost'),
    '',
  )
  const doctor = { shown: () => ({ ok, checks, checkedAt: new Date() }), round: async () => {} }
  const deps = { config: { BACKPLANE_URL, NODE_NAME: 'node-1' } }
  const server = express()
    .use(doctorPage({ deps, send, doctor } as unknown as SignedInPages))
    .listen(0, '127.0.0.1')
  try {
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as AddressInfo
    return await (await fetch(`http://127.0.0.1:${port}/admin/doctor`)).text()
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

test('what was not looked at is named once with its cause, and is not called good', async () => {
  const page = await pageOf(
    [
      failed('document-server-name', 'the name <i>does</i> not resolve', 'Correct it.'),
      ...skipped(['api-js', 'document-server-jwt'], 'of document-server-name'),
      passed('node-version', 'Node v24.0.0'),
    ],
    false,
  )
  expect(page).toContain('the name &lt;i&gt;does&lt;/i&gt; not resolve')
  expect(page).toContain(
    'Not checked because of document-server-name: <code>api-js</code>, <code>document-server-jwt</code>.',
  )
  expect(page.match(/class="badge ok"/g)).toHaveLength(1)
  expect(page.match(/class="badge fail"/g)).toHaveLength(1)
  expect(page).not.toContain('browser → Document Server')
})

test('one look that found something claims nothing yet', async () => {
  const page = await pageOf([passed('node-version', 'Node v24.0.0')], undefined)
  expect(page).toContain('a second look tells')
  expect(page).not.toContain('All is well')
})

test('of several nodes the one that looked is named', async () => {
  const checks = [passed('node-version', 'Node v24.0.0')]
  expect(await pageOf(checks, true, 'redis://redis.example.com')).toContain('by the node node-1')
  expect(await pageOf(checks, true)).not.toContain('node-1')
})
