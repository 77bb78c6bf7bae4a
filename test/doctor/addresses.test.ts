import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { postCallback } from '../docserver/support.ts'
import { behindProxy, docServerBehindProxy } from './behind-proxy.ts'
import { KEY, OF_OTHER_HOST, SELF_SIGNED } from './certificates.ts'
import { startProxy } from './proxy.ts'
import { CLOSED, expectTrouble, pemFile, startScene } from './support.ts'

const EDITOR_PAGE = '/web-apps/apps/documenteditor/main/index.html'

test('a proxy before the service is no trouble', async () => {
  await using set = await behindProxy({}, (PUBLIC_URL) => ({ PUBLIC_URL }))
  expect((await set.scene.troubles()).troubles).toEqual([])
})

test('another service answers at our public address', async () => {
  await using other = await startProxy({ answer: (_request, response) => response.end('hello') })
  await using set = await behindProxy({}, (INTERNAL_URL) => ({ INTERNAL_URL, PUBLIC_URL: other.url }))
  await expectTrouble(set.scene, 'fail public-address (Document Server→us)', 'PUBLIC_URL')
})

test('another service answers at our only address', async () => {
  await using other = await startProxy({ answer: (_request, response) => response.end('hello') })
  await using scene = await startScene({ env: () => ({ PUBLIC_URL: other.url }) })
  await expectTrouble(scene, 'fail own-address (Document Server→us)', 'PUBLIC_URL')
})

test('the name in our public address does not resolve', async () => {
  await using set = await behindProxy({}, (INTERNAL_URL) => ({
    INTERNAL_URL,
    PUBLIC_URL: 'http://docs.invalid',
  }))
  await expectTrouble(set.scene, 'fail public-address (Document Server→us)', 'PUBLIC_URL')
})

test('the pages are secure and Document Server is not', async () => {
  await using authority = await pemFile(SELF_SIGNED)
  await using inside = await startProxy()
  await using set = await behindProxy({ tls: { key: KEY, cert: SELF_SIGNED } }, (PUBLIC_URL) => ({
    PUBLIC_URL,
    INTERNAL_URL: inside.url,
    ONLYOFFICE_CA_FILE: authority.path,
  }))
  inside.target = set.scene.app.url
  await expectTrouble(set.scene, 'fail mixed-content (browser→Document Server)', 'ONLYOFFICE_URL', 'https')
})

test('Document Server does not trust our certificate', async () => {
  await using set = await behindProxy({ tls: { key: KEY, cert: SELF_SIGNED } }, (INTERNAL_URL) => ({
    INTERNAL_URL,
  }))
  await expectTrouble(
    set.scene,
    'fail own-certificate (Document Server→us)',
    'INTERNAL_URL',
    'NODE_EXTRA_CA_CERTS',
  )
})

test('the certificate of Document Server is for another host', async () => {
  await using authority = await pemFile(OF_OTHER_HOST)
  await using scene = await startScene({
    emulator: { tls: { key: KEY, cert: OF_OTHER_HOST } },
    env: () => ({ ONLYOFFICE_CA_FILE: authority.path }),
  })
  await expectTrouble(
    scene,
    'fail document-server-certificate (us→Document Server)',
    'ONLYOFFICE_URL',
    '127.0.0.1',
  )
})

test('a private certificate is no trouble once its authority is named', async () => {
  await using authority = await pemFile(SELF_SIGNED)
  await using scene = await startScene({
    emulator: { tls: { key: KEY, cert: SELF_SIGNED } },
    env: () => ({ ONLYOFFICE_CA_FILE: authority.path }),
  })
  expect((await scene.troubles()).troubles).toEqual([])
})

test('our sub-path is doubled', async () => {
  await using set = await behindProxy({}, (url) => ({
    BASE_PATH: '/docs',
    PUBLIC_URL: `${url}/docs`,
    INTERNAL_URL: `${url}/docs/docs`,
  }))
  set.proxy.target = new URL(set.scene.app.url).origin
  await expectTrouble(
    set.scene,
    'fail own-address (Document Server→us)',
    `Set INTERNAL_URL to ${set.proxy.url}/docs.`,
  )
})

test('another service answers where Document Server looks for us', async () => {
  await using other = await startProxy({ answer: (_request, response) => response.end('hello') })
  await using scene = await startScene({ env: () => ({ INTERNAL_URL: other.url }) })
  await expectTrouble(scene, 'fail own-address (Document Server→us)', 'INTERNAL_URL')
})

test('a proxy adds a policy that keeps api.js out', async () => {
  const headers = { 'content-security-policy': "default-src 'self'" }
  await using set = await behindProxy({ headers }, (PUBLIC_URL) => ({ PUBLIC_URL }))
  const { docServer } = set.scene
  await expectTrouble(
    set.scene,
    'fail page-policy (browser→Document Server)',
    'Content-Security-Policy',
    docServer.url,
    'script-src',
  )
})

test.each([
  ['x-frame-options', 'SAMEORIGIN', 'X-Frame-Options'],
  ['content-security-policy', "frame-ancestors 'self'", 'frame-ancestors'],
])('Document Server forbids our pages to show its editor by %s', async (name, value, named) => {
  await using set = await docServerBehindProxy({ headers: { [name]: value } }, (url) => ({
    ONLYOFFICE_URL: url,
  }))
  // The list in the emulator's own policy would win over the older header.
  if (name === 'x-frame-options') set.scene.docServer.serveFile(EDITOR_PAGE, Buffer.from('<html>'))
  await expectTrouble(set.scene, 'fail editor-frame (browser→Document Server)', 'ONLYOFFICE_URL', named)
})

test('the sub-path of Document Server is doubled, or missing', async () => {
  await using doubled = await docServerBehindProxy({ below: '/ds' }, (url) => ({
    ONLYOFFICE_URL: `${url}/ds/ds`,
  }))
  await expectTrouble(
    doubled.scene,
    'fail document-server-address (us→Document Server)',
    `Set ONLYOFFICE_URL to ${doubled.proxy.url}/ds.`,
  )
  await using missing = await docServerBehindProxy({ below: '/ds' }, (url) => ({
    ONLYOFFICE_URL: `${url}/ds`,
    ONLYOFFICE_INTERNAL_URL: url,
  }))
  await expectTrouble(
    missing.scene,
    'fail document-server-address (us→Document Server)',
    `Set ONLYOFFICE_INTERNAL_URL to ${missing.proxy.url}/ds.`,
  )
})

test('api.js is not at the public address of Document Server', async () => {
  await using other = await startProxy({ answer: (_request, response) => response.end('<html>') })
  await using scene = await startScene({
    env: ({ url }) => ({ ONLYOFFICE_URL: other.url, ONLYOFFICE_INTERNAL_URL: url }),
  })
  await expectTrouble(scene, 'fail api-js (browser→Document Server)', 'ONLYOFFICE_URL')
})

test('an address that only leads to the right one is named with it', async () => {
  await using secure = await startProxy({
    answer: ({ url }, response) =>
      response.writeHead(301, { location: `https://office.example.com${url}` }).end(),
  })
  await using scene = await startScene({ env: () => ({ ONLYOFFICE_URL: secure.url }) })
  await expectTrouble(
    scene,
    'fail document-server-address (us→Document Server)',
    /^Set ONLYOFFICE_URL to https:\/\/office\.example\.com\.$/,
  )
  await using outside = await startScene({
    env: ({ url }) => ({ ONLYOFFICE_URL: secure.url, ONLYOFFICE_INTERNAL_URL: url }),
  })
  await expectTrouble(
    outside,
    'fail api-js (browser→Document Server)',
    /^Set ONLYOFFICE_URL to https:\/\/office\.example\.com\.$/,
  )
  await using set = await behindProxy({}, (INTERNAL_URL) => ({ INTERNAL_URL, PUBLIC_URL: secure.url }))
  await expectTrouble(
    set.scene,
    'fail public-address (Document Server→us)',
    /^Set PUBLIC_URL to https:\/\/office\.example\.com\.$/,
  )
})

test('an address for browsers on localhost is not blamed when another one is used inside', async () => {
  await using scene = await startScene({
    env: ({ url }) => ({ ONLYOFFICE_URL: 'http://localhost:1', ONLYOFFICE_INTERNAL_URL: url }),
  })
  expect((await scene.troubles()).troubles).toEqual([])
})

test('a policy cannot name the address of Document Server', async () => {
  await using scene = await startScene({
    env: ({ url }) => ({ ONLYOFFICE_URL: 'http://[::1]:1', ONLYOFFICE_INTERNAL_URL: url }),
  })
  await expectTrouble(scene, 'fail page-policy (browser→Document Server)', 'ONLYOFFICE_URL', 'host name')
})

test('callbacks that came without a token are told until a good one comes', async () => {
  await using scene = await startScene({ emulator: { jwtHeader: 'X-Docs-Token' } })
  await postCallback(scene.app, { key: 'a', status: 1 }, { bodyToken: null, header: null })
  const { troubles, fix } = await scene.troubles()
  // Whether it signs cannot be seen while its tokens travel in another header.
  expect(troubles).toEqual([
    'warn document-server-header (us→Document Server)',
    'fail callbacks (Document Server→us)',
  ])
  expect(fix).toMatch(/Switch on JWT.*token\.enable\.request\.outbox.*ONLYOFFICE_JWT_SECRET/)
})

test('callbacks without a token are not blamed on a Document Server that signs by now', async () => {
  await using scene = await startScene()
  await postCallback(scene.app, { key: 'a', status: 1 }, { bodyToken: null, header: null })
  await expectTrouble(
    scene,
    'warn callbacks (Document Server→us)',
    'Open a document',
    '/api/onlyoffice/callback',
  )
})

test('the service is not running', async () => {
  await using scene = await startScene()
  const addresses = { ...scene.parts.addresses, localUrl: CLOSED }
  const { troubles, fix } = await scene.troubles({ addresses })
  expect(troubles).toEqual(['fail service-running (service)'])
  expect(fix).toContain('Start the service')
})

test('no Document Server is configured', async () => {
  await using scene = await startScene()
  const { troubles, fix } = await scene.troubles({
    addresses: { ...scene.parts.addresses, docServerUrl: undefined },
  })
  expect(troubles).toEqual(['fail document-server-configured (us→Document Server)'])
  expect(fix).toContain('ONLYOFFICE_URL')
})

test('the data folder or the database cannot be written', async () => {
  await using scene = await startScene()
  const path = join(scene.app.dataDir, 'a-file')
  await writeFile(path, '')
  const config = { ...scene.parts.config, DATA_DIR: path }
  expect((await scene.troubles({ config })).troubles).toEqual(['fail data-folder (service)'])
  expect((await scene.troubles({ database: undefined })).troubles).toEqual(['fail database (service)'])
})
