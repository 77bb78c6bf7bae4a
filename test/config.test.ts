import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ConfigError, loadConfig } from '../src/config.ts'

const SECRET = 'a-secret-of-32-characters-0123456'
const docServer = { ONLYOFFICE_URL: 'https://docs.example.com', ONLYOFFICE_JWT_SECRET: SECRET }

/** The lines that a start with these settings prints. */
function faultsOf(env: Record<string, string>): string[] {
  try {
    loadConfig(env)
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n')
    throw error
  }
  return []
}

const namesOf = (env: Record<string, string>) => faultsOf(env).map((line) => line.slice(0, line.indexOf(':')))

test('nothing needs to be set', () => {
  expect(loadConfig({})).toMatchObject({
    PORT: 3000,
    HOST: '127.0.0.1',
    BASE_PATH: '',
    DATA_DIR: 'storage',
    DATABASE_URL: 'sqlite:storage/metadata.sqlite',
    BLOBS_URL: 'file:storage',
    BACKPLANE_URL: 'memory:',
    MAX_FILE_BYTES: 2_147_483_648,
    FORCESAVE_INTERVAL_S: 30,
    UPLOAD_STALL_S: 60,
    HEADERS_TIMEOUT_S: 30,
    SHUTDOWN_S: 30,
    RATE_LIMIT_MAX: 10_000,
    AUTH_RATE_LIMIT_MAX: 100,
    ONLYOFFICE_JWT_HEADER: 'Authorization',
    CORS_ORIGINS: [],
    LOG_LEVEL: 'info',
    isEmulated: true,
  })
})

test('the emulator stands in only without a Document Server and never in production', () => {
  expect(loadConfig(docServer).isEmulated).toBe(false)
  expect(loadConfig({ NODE_ENV: 'production' }).isEmulated).toBe(false)
})

test('settings cannot be changed after the start', () => {
  const config = loadConfig({})
  expect(Object.isFrozen(config)).toBe(true)
})

test('all wrong settings are named at once', () => {
  const bad = {
    PORT: '70000',
    PUBLIC_URL: 'docs.example.com',
    INTERNAL_URL: 'ftp://docs.example.com',
    ONLYOFFICE_URL: 'https://docs.example.com/?a=1',
    MAX_FILE_BYTES: 'much',
    FORCESAVE_INTERVAL_S: '0',
    ADMIN_TOKEN: 'short',
    ROOT_SECRET: 'short',
    DATABASE_URL: 'mysql://x',
    BLOBS_URL: 'ftp://x',
    BACKPLANE_URL: 'tcp://x',
    RATE_LIMIT_MAX: '-1',
    LOG_LEVEL: 'loud',
    BASE_PATH: 'docs',
    ONLYOFFICE_JWT_HEADER: 'two words',
    ONLYOFFICE_JWT_SECRET: 'short',
  }
  expect(new Set(namesOf(bad))).toEqual(new Set(Object.keys(bad)))
})

test('secrets that are missing or weak are named in the same message as other faults', () => {
  const env = { PORT: 'x', ONLYOFFICE_URL: 'https://docs.example.com', ONLYOFFICE_JWT_SECRET: 'secret' }
  expect(namesOf(env)).toEqual(expect.arrayContaining(['PORT', 'ONLYOFFICE_JWT_SECRET']))
  const pathAndPort = { PORT: 'x', BASE_PATH: '/a', PUBLIC_URL: 'https://docs.example.com/b' }
  expect(namesOf(pathAndPort)).toEqual(expect.arrayContaining(['PORT', 'BASE_PATH']))
})

test('the message never repeats a secret', () => {
  const env = {
    ONLYOFFICE_URL: 'https://docs.example.com',
    ONLYOFFICE_JWT_SECRET: 'hush-hush',
    ADMIN_TOKEN: 'psst',
  }
  expect(faultsOf(env).join()).not.toMatch(/hush-hush|psst/)
})

test.each([
  ['missing', undefined],
  ['"secret"', 'secret'],
  ['"verysecretstring"', 'verysecretstring'],
  ['well known in capitals', 'VerySecretString'],
  ['of 15 characters', 'x'.repeat(15)],
])('a secret that is %s beside a real Document Server stops the start', (_name, secret) => {
  const { ONLYOFFICE_URL } = docServer
  expect(
    namesOf({ ONLYOFFICE_URL, ...(secret === undefined ? {} : { ONLYOFFICE_JWT_SECRET: secret }) }),
  ).toEqual(['ONLYOFFICE_JWT_SECRET'])
  if (secret === undefined) return
  const previous = { ...docServer, ONLYOFFICE_JWT_SECRET_PREVIOUS: secret }
  expect(namesOf(previous)).toEqual(['ONLYOFFICE_JWT_SECRET_PREVIOUS'])
})

test('a secret of 16 characters is enough', () => {
  expect(faultsOf({ ...docServer, ONLYOFFICE_JWT_SECRET: 'abcdefghijklmnop' })).toEqual([])
})

test.each([
  'ADMIN_TOKEN',
  'METRICS_TOKEN',
  'ROOT_SECRET',
  'ONLYOFFICE_JWT_SECRET',
  'ONLYOFFICE_JWT_SECRET_PREVIOUS',
] as const)('%s may stand in a file', async (name) => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'secret')
  await writeFile(path, `${SECRET}\n`)
  expect(loadConfig({ [`${name}_FILE`]: path })[name]).toBe(SECRET)
  expect(namesOf({ [`${name}_FILE`]: path, [name]: SECRET })).toEqual([name])
  expect(namesOf({ [`${name}_FILE`]: join(folder.path, 'none') })).toEqual([`${name}_FILE`])
  await writeFile(path, ' \n')
  expect(namesOf({ [`${name}_FILE`]: path })).toContain(`${name}_FILE`)
})

test('addresses that hold passwords may stand in files, too', async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'database')
  await writeFile(path, 'postgres://docs:password@db.example.com/docs\n')
  expect(loadConfig({ DATABASE_URL_FILE: path }).DATABASE_URL).toBe(
    'postgres://docs:password@db.example.com/docs',
  )
  expect(namesOf({ BACKPLANE_URL_FILE: path })).toEqual(['BACKPLANE_URL'])
})

test.each([
  'postgres://docs:p@ss/w:rd@db.example.com/docs',
  'postgres://docs:pass#word@db.example.com/docs',
  'postgres://docs:12?3@db.example.com/docs',
  'postgres://docs:12/3@db.example.com',
  'postgres://db.example.com/docs/',
])('%s is no address of a database', (url) => {
  expect(faultsOf({ DATABASE_URL: url })).toEqual([
    'DATABASE_URL: must be an address with nothing behind the name; write special characters of the password percent-encoded',
  ])
})

test('the address of Redis may name a database by its number, and nothing else', () => {
  const redis = {
    DATABASE_URL: 'postgres://db.example.com/docs',
    BLOBS_URL: 's3://documents?region=eu-central-1',
    ROOT_SECRET: SECRET,
    ADMIN_TOKEN: SECRET,
  }
  const namesWith = (BACKPLANE_URL: string) => namesOf({ ...redis, BACKPLANE_URL })
  for (const path of ['', '/', '/7'])
    expect(namesWith(`redis://:word@redis.example.com:6379${path}`)).toEqual([])
  for (const path of ['/abc', '/1/2', '/0#word', '/-1'])
    expect(namesWith(`redis://:word@redis.example.com:6379${path}`)).toEqual(['BACKPLANE_URL'])
})

test('a weak secret in a file stops the start as well', async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'secret')
  await writeFile(path, 'secret')
  const { ONLYOFFICE_URL } = docServer
  expect(namesOf({ ONLYOFFICE_URL, ONLYOFFICE_JWT_SECRET_FILE: path })).toEqual(['ONLYOFFICE_JWT_SECRET'])
})

test('empty settings count as unset', () => {
  const names = [
    'PORT',
    'PUBLIC_URL',
    'BASE_PATH',
    'ONLYOFFICE_URL',
    'ADMIN_TOKEN',
    'TRUST_PROXY',
    'LOG_LEVEL',
    'ADMIN_TOKEN_FILE',
  ]
  const empty = Object.fromEntries(names.map((name) => [name, '']))
  expect(loadConfig(empty)).toEqual(loadConfig({}))
})

test('the sub-path comes from PUBLIC_URL or BASE_PATH, without a slash at its end', () => {
  const pathOf = (env: Record<string, string>) => loadConfig(env).BASE_PATH
  expect(pathOf({ PUBLIC_URL: 'https://example.com/docs/' })).toBe('/docs')
  expect(pathOf({ PUBLIC_URL: 'https://example.com' })).toBe('')
  expect(pathOf({ BASE_PATH: '/docs/' })).toBe('/docs')
  expect(pathOf({ BASE_PATH: '/' })).toBe('')
  expect(pathOf({ BASE_PATH: '/docs', PUBLIC_URL: 'https://example.com/docs/' })).toBe('/docs')
})

test.each([
  ['another path', { BASE_PATH: '/docs', PUBLIC_URL: 'https://example.com/files' }],
  ['a missing path', { BASE_PATH: '/docs', PUBLIC_URL: 'https://example.com' }],
  ['a path where there should be none', { BASE_PATH: '/', PUBLIC_URL: 'https://example.com/files' }],
  ['special characters', { BASE_PATH: '/a b' }],
  ['a pattern', { BASE_PATH: '/:id' }],
])('a sub-path that contradicts the address is refused: %s', (_name, env) => {
  expect(namesOf(env)).toEqual(['BASE_PATH'])
})

test.each([
  'docs.example.com',
  'ftp://docs.example.com',
  'https://user:word@docs.example.com',
  'https://docs.example.com/?a=1',
  'https://docs.example.com/#a',
])('%s is no address to be reached by', (url) => {
  for (const name of ['PUBLIC_URL', 'INTERNAL_URL', 'ONLYOFFICE_INTERNAL_URL']) {
    expect(namesOf({ [name]: url })).toEqual([name])
  }
})

test('lists may be separated by commas and blanks', () => {
  const { CORS_ORIGINS } = loadConfig({
    CORS_ORIGINS: 'https://a.example, https://b.example\nhttps://c.example',
  })
  expect(CORS_ORIGINS).toEqual(['https://a.example', 'https://b.example', 'https://c.example'])
})

test('the data folder holds database and blobs unless they are named', () => {
  expect(loadConfig({ DATA_DIR: '/data' })).toMatchObject({
    DATABASE_URL: 'sqlite:/data/metadata.sqlite',
    BLOBS_URL: 'file:/data',
  })
  expect(loadConfig({ DATA_DIR: '/data', BLOBS_URL: 'file:/blobs' }).BLOBS_URL).toBe('file:/blobs')
})

async function temporaryFolder() {
  const path = await mkdtemp(join(tmpdir(), 'docs-connector-config-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}
