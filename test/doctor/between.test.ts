import { expect, test } from 'vitest'
import { behindProxy, docServerBehindProxy } from './behind-proxy.ts'
import { EXPIRED, KEY, SELF_SIGNED } from './certificates.ts'
import { startProxy } from './proxy.ts'
import { expectTrouble, pemFile, startScene } from './support.ts'

const EDITOR_PAGE = '/web-apps/apps/documenteditor/main/index.html'

const answering = (status: number, headers: Record<string, string> = {}) =>
  startProxy({
    answer: (_request, response) => response.writeHead(status, headers).end('<html>hello</html>'),
  })

test.each([
  [502, 'connection', /^Start Document Server, or let the proxy at ONLYOFFICE_URL/],
  [503, 'connection', /^Start Document Server, or let the proxy at ONLYOFFICE_URL/],
  [401, 'address', /proxy before ONLYOFFICE_URL.*sign-in/],
  [200, 'address', /^Set ONLYOFFICE_URL to the address of Document Server/],
])('a proxy answers %i instead of Document Server', async (status, name, fix) => {
  await using other = await answering(status)
  await using scene = await startScene({ env: () => ({ ONLYOFFICE_URL: other.url }) })
  await expectTrouble(scene, `fail document-server-${name} (us→Document Server)`, fix)
})

test('a proxy wants people to sign in before they reach Document Server', async () => {
  await using other = await answering(302, { location: 'https://sso.example.com/login?next=%2Fhealthcheck' })
  await using scene = await startScene({ env: () => ({ ONLYOFFICE_URL: other.url }) })
  await expectTrouble(scene, 'fail document-server-address (us→Document Server)', /sign-in/)
})

test.each([
  [502, 'fail own-reachability', /^Let the proxy at INTERNAL_URL pass requests to http:\/\/127/],
  [401, 'fail own-address', /proxy before INTERNAL_URL.*sign-in/],
  [404, 'fail own-address', /^Set INTERNAL_URL to the address of this service/],
])('a proxy answers %i where Document Server looks for us', async (status, trouble, fix) => {
  await using other = await answering(status)
  await using scene = await startScene({ env: () => ({ INTERNAL_URL: other.url }) })
  await expectTrouble(scene, `${trouble} (Document Server→us)`, fix)
})

test.each([
  [502, 'fail', /^Let the proxy at PUBLIC_URL pass requests to http:\/\/127/],
  [401, 'warn', /proxy before PUBLIC_URL.*sign-in/],
])('a proxy answers %i where browsers look for us', async (status, result, fix) => {
  await using other = await answering(status)
  await using set = await behindProxy({}, (INTERNAL_URL) => ({ INTERNAL_URL, PUBLIC_URL: other.url }))
  await expectTrouble(set.scene, `${result} public-address (Document Server→us)`, fix)
})

test('a redirect on the way of the callbacks, which a file survives and a save does not', async () => {
  await using right = await startProxy()
  await using set = await behindProxy(
    { redirects: { from: '/', to: (_host, url) => right.url + url } },
    (INTERNAL_URL) => ({ INTERNAL_URL }),
  )
  right.target = set.scene.app.url
  await expectTrouble(
    set.scene,
    'fail own-address (Document Server→us)',
    new RegExp(`^Set INTERNAL_URL to ${right.url}\\.$`),
  )
})

/** A proxy that ends TLS before a Document Server that is not told of it. */
async function secureDocServer(redirects?: { from: string; to: (host: string) => string }) {
  await using opened = new AsyncDisposableStack()
  const authority = opened.use(await pemFile(SELF_SIGNED))
  const tls = { key: KEY, cert: SELF_SIGNED }
  const { scene } = opened.use(
    await docServerBehindProxy({ tls, ...(redirects === undefined ? {} : { redirects }) }, (url) => ({
      ONLYOFFICE_URL: url,
      ONLYOFFICE_CA_FILE: authority.path,
    })),
  )
  const resources = opened.move()
  return { scene, [Symbol.asyncDispose]: () => resources.disposeAsync() }
}

test('Document Server is not told that browsers ask by https, and hands out its files by http', async () => {
  await using set = await secureDocServer()
  await expectTrouble(
    set.scene,
    'fail document-server-files (us→Document Server)',
    'X-Forwarded-Proto',
    'ONLYOFFICE_URL',
  )
})

test('Document Server is not told that browsers ask by https, and leads them to http', async () => {
  const to = (host: string) => `http://${host}/9.4.0-129${EDITOR_PAGE}`
  await using set = await secureDocServer({ from: EDITOR_PAGE, to })
  await expectTrouble(
    set.scene,
    'fail mixed-content (browser→Document Server)',
    'X-Forwarded-Proto',
    'ONLYOFFICE_URL',
  )
})

test.each([
  ['another host', () => `http://documentserver/9.4.0-129${EDITOR_PAGE}`],
  ['a page outside its sub-path', (host: string) => `http://${host}/9.4.0-129${EDITOR_PAGE}`],
])('Document Server leads browsers to %s', async (_place, to) => {
  await using set = await docServerBehindProxy(
    { below: '/ds', redirects: { from: `/ds${EDITOR_PAGE}`, to } },
    (url) => ({ ONLYOFFICE_URL: `${url}/ds` }),
  )
  const { troubles, fix } = await set.scene.troubles()
  expect(troubles).toEqual(['fail editor-frame (browser→Document Server)'])
  expect(fix).toMatch(/ONLYOFFICE_URL.*X-Forwarded-Host.*X-Forwarded-Prefix/)
})

test('Document Server is not told of its sub-path, and hands out its files outside of it', async () => {
  await using set = await docServerBehindProxy({ below: '/ds' }, (url) => ({ ONLYOFFICE_URL: `${url}/ds` }))
  await expectTrouble(
    set.scene,
    'fail document-server-files (us→Document Server)',
    'X-Forwarded-Prefix',
    'ONLYOFFICE_URL',
  )
})

test('Document Server leads browsers to the folder of its version, as it should', async () => {
  const to = (host: string) => `http://${host}/9.4.0-129/editor.html`
  await using set = await docServerBehindProxy({ redirects: { from: EDITOR_PAGE, to } }, (url) => ({
    ONLYOFFICE_URL: url,
  }))
  set.scene.docServer.serveFile('/9.4.0-129/editor.html', Buffer.from('<html>'))
  expect((await set.scene.troubles()).troubles).toEqual([])
})

test('api.js is passed on, the editor is not', async () => {
  await using set = await docServerBehindProxy({ missing: EDITOR_PAGE }, (url) => ({ ONLYOFFICE_URL: url }))
  await expectTrouble(
    set.scene,
    'fail editor-frame (browser→Document Server)',
    'ONLYOFFICE_URL',
    '/web-apps/',
  )
})

test('a page instead of the answer of the converter', async () => {
  await using set = await docServerBehindProxy({ missing: '/converter' }, (url) => ({ ONLYOFFICE_URL: url }))
  await expectTrouble(set.scene, 'fail document-server-conversion (us→Document Server)', 'POST /converter')
})

test('a page instead of the answer to a command', async () => {
  await using set = await docServerBehindProxy({ missing: '/coauthoring/' }, (url) => ({
    ONLYOFFICE_URL: url,
  }))
  await expectTrouble(set.scene, 'fail document-server-secret (us→Document Server)', 'CommandService.ashx')
  const jwt = (await set.scene.diagnose()).checks.find(({ id }) => id === 'document-server-jwt')
  expect(jwt?.evidence).toMatch(/^not checked/)
})

test.each([
  ['has expired', EXPIRED, 'fail', /^Renew the certificate.*ONLYOFFICE_URL/],
  ['is of an authority that we do not know', SELF_SIGNED, 'warn', /ONLYOFFICE_URL.*ONLYOFFICE_CA_FILE/],
])('the certificate that browsers see of Document Server %s', async (_what, cert, result, fix) => {
  await using outside = await startProxy({ tls: { key: KEY, cert } })
  await using scene = await startScene({
    env: ({ url }) => {
      outside.target = url
      return { ONLYOFFICE_URL: outside.url.replace('127.0.0.1', '0.0.0.0'), ONLYOFFICE_INTERNAL_URL: url }
    },
  })
  await expectTrouble(scene, `${result} api-js (browser→Document Server)`, fix)
})

test('the certificate that Document Server sees of us has expired', async () => {
  await using set = await behindProxy({ tls: { key: KEY, cert: EXPIRED } }, (INTERNAL_URL) => ({
    INTERNAL_URL,
  }))
  await expectTrouble(
    set.scene,
    'fail own-certificate (Document Server→us)',
    /^Renew the certificate that is shown at INTERNAL_URL\.$/,
  )
})
