import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Script } from 'node:vm'
import { Ajv, type AnySchemaObject } from 'ajv'
import { describe, expect, test } from 'vitest'
import { loadConfig } from '../src/config.ts'
import { compose, environmentOf, interpolated, parseCompose, TOP, text } from './support/compose-file.ts'

const { 'docs-connector': connector, documentserver } = compose.services
/** What starts without a profile. */
const usual = Object.values(compose.services).filter(({ profiles }) => profiles === undefined)
const dockerfile = connector.build?.dockerfile_inline ?? ''
const SECRET = 'a secret for this test, long enough'
const schema: AnySchemaObject = JSON.parse(
  readFileSync(join(TOP, 'test/support/compose-schema.json'), 'utf8'),
)

describe('docker-compose.onlyoffice.yml', () => {
  const validate = new Ajv({ strictRequired: false, strictTuples: false, allErrors: true }).compile(schema)

  test('is a Compose file', () => {
    validate(compose)
    expect(validate.errors ?? []).toEqual([])
  })

  test.each([
    ['restart', 'restrat'],
    ['healthcheck', 'healthchek'],
    ['stop_grace_period', 'stop_grace'],
    ['start_period', 'start_peroid'],
    ['dockerfile_inline', 'dockerfile-inline'],
    ['restart: unless-stopped', 'restart: unless_stopped'],
    ['profiles: [scale]', 'profile: [scale]'],
    ['service_completed_successfully', 'service_completed'],
    ['stop_signal', 'stop_with'],
    ['content: |', 'contents: |'],
  ])('%s misspelt as %s would be noticed', (right, wrong) => {
    expect(text).toContain(right)
    expect(validate(parseCompose(text.replace(right, wrong)))).toBe(false)
  })

  test('the secret alone is enough for settings that the service accepts', () => {
    const config = loadConfig(environmentOf(connector, { ONLYOFFICE_JWT_SECRET: SECRET }))

    expect(config).toMatchObject({
      NODE_ENV: 'production',
      HOST: '0.0.0.0',
      PORT: 3000,
      PUBLIC_URL: 'http://localhost:3000',
      INTERNAL_URL: 'http://docs-connector:3000',
      ONLYOFFICE_URL: 'http://localhost:8080',
      ONLYOFFICE_INTERNAL_URL: 'http://documentserver',
      DATA_DIR: '/app/storage',
      isEmulated: false,
    })
    expect(config.ADMIN_TOKEN).toBeUndefined()
  })

  test('public addresses and the administrator token can be set', () => {
    const given = {
      ONLYOFFICE_JWT_SECRET: SECRET,
      PUBLIC_URL: 'https://docs.example.org',
      ONLYOFFICE_URL: 'https://office.example.org',
      ADMIN_TOKEN: 'a token of the administrator',
    }
    expect(loadConfig(environmentOf(connector, given))).toMatchObject(given)
  })

  test('each service reaches the other one by its name in the network', () => {
    for (const address of ['INTERNAL_URL', 'ONLYOFFICE_INTERNAL_URL']) {
      const { hostname } = new URL(connector.environment?.[address] ?? '')
      expect(Object.keys(compose.services)).toContain(hostname)
    }
  })

  test('two services start, and what the profile needs keeps nobody from starting them', () => {
    expect(usual).toEqual([connector, documentserver])
    const demanded = [...text.matchAll(/(?<!\$)\$\{(\w+):\?/g)].map(([, name]) => name)
    expect(new Set(demanded)).toEqual(new Set(['ONLYOFFICE_JWT_SECRET']))
  })

  test('it does not start without a secret', () => {
    expect(() => environmentOf(connector, {})).toThrow('ONLYOFFICE_JWT_SECRET')
    expect(() => environmentOf(documentserver, {})).toThrow('ONLYOFFICE_JWT_SECRET')
    expect(() => environmentOf(connector, { ONLYOFFICE_JWT_SECRET: '' })).toThrow('ONLYOFFICE_JWT_SECRET')
  })

  test('Document Server checks tokens, with the same secret', () => {
    const env = { ONLYOFFICE_JWT_SECRET: SECRET }
    expect(environmentOf(documentserver, env)).toMatchObject({ JWT_ENABLED: 'true', JWT_SECRET: SECRET })
    expect(environmentOf(connector, env).ONLYOFFICE_JWT_SECRET).toBe(SECRET)
  })

  test('nothing is reachable from other machines unless somebody says so', () => {
    for (const { ports = [] } of Object.values(compose.services)) {
      for (const port of ports) {
        expect(interpolated(port, {})).toMatch(/^127\.0\.0\.1:/)
        expect(interpolated(port, { BIND_ADDRESS: '0.0.0.0' })).toMatch(/^0\.0\.0\.0:/)
      }
    }
  })

  test('the ports of the default addresses are those that are published', () => {
    const env = environmentOf(connector, { ONLYOFFICE_JWT_SECRET: SECRET })
    expect(interpolated(connector.ports?.[0] ?? '', {})).toContain(
      `:${new URL(env.PUBLIC_URL ?? '').port}:3000`,
    )
    expect(interpolated(documentserver.ports?.[0] ?? '', {})).toContain(
      `:${new URL(env.ONLYOFFICE_URL ?? '').port}:80`,
    )
  })

  test('the service runs as a user without rights, on Node 24, with everything it needs and no more', () => {
    const instructions = dockerfile.split('\n').filter((line) => /^[A-Z]+ /.test(line))
    const last = instructions.slice(instructions.findLastIndex((line) => line.startsWith('FROM ')))

    expect(instructions.filter((line) => line.startsWith('FROM '))).toEqual([
      'FROM node:24-slim AS build',
      'FROM node:24-slim',
    ])
    expect(last.findLast((line) => line.startsWith('USER '))).toBe('USER node')
    expect(connector.user).toBe('node')
    expect(instructions).toContain('RUN npm run build && npm prune --omit=dev --omit=optional')
    expect(last.at(-1)).toBe('CMD ["node", "dist/main.js"]')
    expect(connector.init).toBe(true)
  })

  test('the image copies only what is there, and nothing as a whole', () => {
    const sources = dockerfile
      .split('\n')
      .filter((line) => line.startsWith('COPY ') && !line.includes('--from='))
      .flatMap((line) => line.split(' ').slice(1, -1))

    expect(sources).toEqual(
      expect.arrayContaining(['package.json', 'package-lock.json', '.npmrc', 'src', 'views']),
    )
    expect(sources).not.toContain('.')
    for (const source of sources) expect(existsSync(join(TOP, source)), source).toBe(true)
  })

  test('documents and the data of Document Server outlive their containers', () => {
    const mounted = usual.flatMap(({ volumes = [] }) => volumes)
    const targets = mounted.map((volume) => volume.split(':')[1])

    expect(targets).toEqual([
      connector.environment?.DATA_DIR,
      '/var/www/onlyoffice/Data',
      '/var/lib/onlyoffice',
      '/var/lib/postgresql',
      '/var/log/onlyoffice',
    ])
    const all = Object.values(compose.services).flatMap(({ volumes = [] }) => volumes)
    expect(new Set(all.map((volume) => volume.split(':')[0]))).toEqual(new Set(Object.keys(compose.volumes)))
  })

  test('both services are watched at the addresses that tell their health', () => {
    const [kind, command, flag, script = ''] = connector.healthcheck?.test ?? []
    expect([kind, command, flag]).toEqual(['CMD', 'node', '-e'])
    expect(script).toContain("fetch('http://127.0.0.1:3000/health')")
    expect(() => new Script(script)).not.toThrow()
    expect(documentserver.healthcheck?.test.join(' ')).toContain('http://localhost/healthcheck')
  })

  test('saves under way are finished before the service is killed', () => {
    const { SHUTDOWN_S } = loadConfig({})
    expect(Number.parseInt(connector.stop_grace_period ?? '', 10)).toBeGreaterThan(SHUTDOWN_S)
  })

  test('Document Server stops before the service that takes its last saves', () => {
    expect(Object.keys(documentserver.depends_on ?? {})).toEqual(['docs-connector'])
    expect(connector.depends_on).toBeUndefined()
  })

  test('the version of Document Server is pinned', () => {
    expect(documentserver.image).toMatch(/^onlyoffice\/documentserver:\d+\.\d+\.\d+/)
  })
})
