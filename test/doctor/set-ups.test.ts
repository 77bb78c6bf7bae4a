import { expect, test } from 'vitest'
import { EXPIRED, KEY, SELF_SIGNED } from './certificates.ts'
import { CLOSED, expectTrouble, pemFile, type Scene, type SceneOptions, startScene } from './support.ts'

type SetUp = SceneOptions & {
  trouble: string
  fix: (string | RegExp)[]
  /** PEM for ONLYOFFICE_CA_FILE. */
  authority?: string
  prepare?: (scene: Scene) => void | Promise<void>
}

const later = (minutes: number) => () => new Date(Date.now() + minutes * 60_000)

const SET_UPS: Record<string, SetUp> = {
  'the secret is another one': {
    env: () => ({ ONLYOFFICE_JWT_SECRET: 'another-secret-0123456789abcdef0123456789' }),
    trouble: 'fail document-server-secret (us→Document Server)',
    fix: ['ONLYOFFICE_JWT_SECRET', /services\.CoAuthoring\.secret.*local\.json/],
  },
  'tokens travel in another header': {
    emulator: { jwtHeader: 'X-Docs-Token' },
    trouble: 'warn document-server-header (us→Document Server)',
    fix: ['ONLYOFFICE_JWT_HEADER', /token\.inbox\.header/],
  },
  'we look for tokens in another header': {
    env: () => ({ ONLYOFFICE_JWT_HEADER: 'X-Docs-Token' }),
    trouble: 'warn document-server-header (us→Document Server)',
    fix: ['ONLYOFFICE_JWT_HEADER'],
  },
  'JWT is off in Document Server': {
    emulator: { inboxTokens: false, callbackTokens: false, refusesPrivateAddresses: true },
    trouble: 'fail document-server-jwt (us→Document Server)',
    fix: [/token\.enable/],
  },
  'Document Server does not sign what it sends': {
    emulator: { callbackTokens: false },
    trouble: 'fail outbox-tokens (Document Server→us)',
    fix: [/token\.enable\.request\.outbox/],
  },
  'its clock is 10 minutes behind': {
    emulator: { clock: later(-10) },
    trouble: 'fail document-server-clock (us→Document Server)',
    fix: [/NTP/],
  },
  'its clock is 10 minutes ahead': {
    emulator: { clock: later(10) },
    trouble: 'fail document-server-clock (us→Document Server)',
    fix: [/NTP/],
  },
  'its clock is 45 seconds ahead': {
    emulator: { clock: later(0.75) },
    trouble: 'warn document-server-clock (us→Document Server)',
    fix: [/NTP/],
  },
  'Document Server cannot be reached': {
    env: () => ({ ONLYOFFICE_URL: CLOSED }),
    trouble: 'fail document-server-connection (us→Document Server)',
    fix: ['ONLYOFFICE_URL'],
  },
  'its internal address alone cannot be reached': {
    env: () => ({ ONLYOFFICE_INTERNAL_URL: CLOSED }),
    trouble: 'fail document-server-connection (us→Document Server)',
    fix: ['ONLYOFFICE_INTERNAL_URL'],
  },
  'its name does not resolve': {
    env: () => ({ ONLYOFFICE_INTERNAL_URL: 'http://documentserver.invalid' }),
    trouble: 'fail document-server-name (us→Document Server)',
    fix: ['ONLYOFFICE_INTERNAL_URL', 'documentserver.invalid'],
  },
  'its certificate signs itself': {
    emulator: { tls: { key: KEY, cert: SELF_SIGNED } },
    trouble: 'fail document-server-certificate (us→Document Server)',
    fix: ['ONLYOFFICE_CA_FILE'],
  },
  'its certificate has expired': {
    emulator: { tls: { key: KEY, cert: EXPIRED } },
    trouble: 'fail document-server-certificate (us→Document Server)',
    fix: ['certificate', 'ONLYOFFICE_URL'],
  },
  'it says that it is ill': {
    prepare: ({ docServer }) => docServer.faults.healthcheck(),
    trouble: 'fail document-server-health (us→Document Server)',
    fix: [/log of Document Server/],
  },
  'its license has expired': {
    prepare: ({ docServer }) => {
      docServer.license.license.end_date = '2020-01-01T00:00:00.000Z'
      docServer.license.server.resultType = 2
    },
    trouble: 'fail document-server-license (us→Document Server)',
    fix: ['license'],
  },
  'all users of its license are taken': {
    prepare: ({ docServer }) => {
      docServer.license.license.users_count = 1
      docServer.license.quota.users = [{ userid: 'ann', expire: '2099-01-01T00:00:00.000Z' }]
    },
    trouble: 'warn document-server-license (us→Document Server)',
    fix: ['more users'],
  },
  'it is too old': {
    prepare: ({ docServer }) => {
      docServer.version = '7.2.1.34'
    },
    trouble: 'fail document-server-version (browser→Document Server)',
    fix: ['8.3'],
  },
  'it is rather old': {
    prepare: ({ docServer }) => {
      docServer.version = '8.2.0.143'
    },
    trouble: 'warn document-server-version (browser→Document Server)',
    fix: ['8.3'],
  },
  'it cannot convert': {
    prepare: ({ docServer }) => docServer.faults.converterFails(true),
    trouble: 'fail document-server-conversion (us→Document Server)',
    fix: ['converter'],
  },
  'its files cannot be fetched': {
    prepare: ({ docServer }) => docServer.faults.files({ kind: 'status', status: 403 }),
    trouble: 'fail document-server-files (us→Document Server)',
    fix: ['/cache/files', 'ONLYOFFICE_URL'],
  },
  'it cannot reach us': {
    env: () => ({ INTERNAL_URL: CLOSED }),
    trouble: 'fail own-reachability (Document Server→us)',
    fix: ['INTERNAL_URL', '127.0.0.1'],
  },
  'it refuses private addresses': {
    emulator: { refusesPrivateAddresses: true },
    trouble: 'fail own-private-address (Document Server→us)',
    fix: [/\{"services":\{"CoAuthoring":\{"request-filtering-agent":\{"allowPrivateIPAddress":true/],
  },
  'it runs in a container, to which our localhost is its own': {
    emulator: { isContained: true },
    trouble: 'fail own-reachability (Document Server→us)',
    fix: ['INTERNAL_URL', 'container', /^(?!.*allowPrivateIPAddress)/],
  },
  'the name by which it looks for us does not resolve': {
    env: () => ({ PUBLIC_URL: 'http://docs.invalid' }),
    trouble: 'fail own-reachability (Document Server→us)',
    fix: ['Correct the host in PUBLIC_URL', 'docs.invalid'],
  },
  'it speaks https where http is expected': {
    emulator: { tls: { key: KEY, cert: SELF_SIGNED } },
    env: ({ url }) => ({ ONLYOFFICE_URL: url.replace('https:', 'http:') }),
    authority: SELF_SIGNED,
    trouble: 'fail document-server-address (us→Document Server)',
    fix: [/^Set ONLYOFFICE_URL to https:/],
  },
  'it speaks http where https is expected': {
    env: ({ url }) => ({ ONLYOFFICE_URL: url.replace('http:', 'https:') }),
    trouble: 'fail document-server-address (us→Document Server)',
    fix: [/^Set ONLYOFFICE_URL to http:/],
  },
  'it downloads less than we keep': {
    emulator: { maxDownloadBytes: 1_000_000 },
    trouble: 'warn size-limit (Document Server→us)',
    fix: [/FileConverter\.converter\.maxDownloadBytes/, 'MAX_FILE_BYTES'],
  },
  'the disk has less room than is wanted': {
    env: () => ({ ALERT_DISK_FREE_BYTES: String(2 ** 52) }),
    trouble: 'warn disk-room (service)',
    fix: ['DATA_DIR'],
  },
  'LibreOffice is not there': {
    env: () => ({ PATH: '/nowhere' }),
    trouble: 'warn libreoffice (service)',
    fix: ['LibreOffice'],
  },
}

test('a set-up with nothing wrong has no trouble', async () => {
  await using scene = await startScene()
  const { troubles, diagnosis } = await scene.troubles()
  expect(troubles).toEqual([])
  expect(diagnosis.ok).toBe(true)
  expect(diagnosis.checks.filter(({ evidence }) => evidence.startsWith('not checked'))).toEqual([])
})

test.each(Object.entries(SET_UPS))('%s', async (_name, { trouble, fix, prepare, authority, ...options }) => {
  await using file = authority === undefined ? undefined : await pemFile(authority)
  const { env = () => ({}) } = options
  const named = file === undefined ? {} : { ONLYOFFICE_CA_FILE: file.path }
  await using scene = await startScene({ ...options, env: (docServer) => ({ ...env(docServer), ...named }) })
  await prepare?.(scene)
  await expectTrouble(scene, trouble, ...fix)
})

test('faults that have nothing to do with each other are told side by side', async () => {
  await using scene = await startScene({
    emulator: { clock: later(-10) },
    env: () => ({ INTERNAL_URL: CLOSED, ALERT_DISK_FREE_BYTES: String(2 ** 52) }),
  })
  scene.docServer.license.server.resultType = 2
  const { troubles } = await scene.troubles()
  expect(troubles).toEqual([
    'fail document-server-clock (us→Document Server)',
    'fail document-server-license (us→Document Server)',
    'fail own-reachability (Document Server→us)',
    'warn disk-room (service)',
  ])
})

test('a wrong secret hides what only a command can tell, and nothing else', async () => {
  await using scene = await startScene({
    env: () => ({
      ONLYOFFICE_JWT_SECRET: 'another-secret-0123456789abcdef0123456789',
      PUBLIC_URL: 'http://docs.invalid',
      INTERNAL_URL: CLOSED,
    }),
  })
  const { troubles } = await scene.troubles()
  expect(troubles).toEqual([
    'fail document-server-secret (us→Document Server)',
    'fail public-address (Document Server→us)',
  ])
})
