import { spawnSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { s3Address } from '../src/blobs/s3-address.ts'
import { loadConfig } from '../src/config.ts'
import { compose, environmentOf, interpolated, type Service } from './support/compose-file.ts'

const SECRETS = {
  ONLYOFFICE_JWT_SECRET: 'a secret for this test, long enough',
  ROOT_SECRET: 'root-secret-of-the-tests-0123456789',
  ADMIN_TOKEN: 'admin-token-of-the-tests-0123',
  POSTGRES_PASSWORD: 'postgres0123456789',
  S3_PASSWORD: 'storage0123456789',
  REDIS_PASSWORD: 'redis0123456789',
}
const { services } = compose
const all = Object.entries(services)
const scaled = all.filter(([, { profiles }]) => profiles?.includes('scale')).map(([name]) => name)
const byName = new Map<string, Service>(all)
const nodes = [services['node-1'], services['node-2']]

/** What is started with a service: itself and what it depends on. */
function startedWith(name: string): string[] {
  const needed = Object.keys(byName.get(name)?.depends_on ?? {})
  return [...new Set([name, ...needed.flatMap(startedWith)])]
}

describe('the profile scale', () => {
  test('its Document Server brings all of it, and the single node is not among them', () => {
    expect(startedWith('documentserver-scale').sort()).toEqual(scaled.toSorted())
    expect(scaled).not.toContain('docs-connector')
  })

  test('whatever is needed is well or done before who needs it starts', () => {
    for (const [name, { depends_on = {} }] of all.filter(([name]) => scaled.includes(name))) {
      for (const [needed, { condition }] of Object.entries(depends_on)) {
        const isOnce = ['secrets', 'bucket'].includes(needed)
        expect([name, condition]).toEqual([
          name,
          isOnce ? 'service_completed_successfully' : 'service_healthy',
        ])
        if (!isOnce) expect(byName.get(needed)?.healthcheck).toBeDefined()
      }
    }
  })

  test('with its secrets each node has settings that the service accepts', () => {
    const configs = nodes.map((node) => loadConfig(environmentOf(node, SECRETS)))
    expect(configs.map(({ NODE_NAME }) => NODE_NAME)).toEqual(['node-1', 'node-2'])
    for (const config of configs) {
      expect({ ...config, NODE_NAME: '' }).toEqual({ ...configs[0], NODE_NAME: '' })
      expect(config).toMatchObject({
        ROOT_SECRET: SECRETS.ROOT_SECRET,
        ADMIN_TOKEN: SECRETS.ADMIN_TOKEN,
        INTERNAL_URL: 'http://balancer:3000',
        ONLYOFFICE_INTERNAL_URL: 'http://documentserver-scale',
        TRUST_PROXY: '1',
      })
      for (const address of [config.DATABASE_URL, config.BACKPLANE_URL, s3Address(config.BLOBS_URL).endpoint])
        expect(scaled).toContain(new URL(address ?? '').hostname)
    }
  })

  test('a node without the secrets of all nodes is refused', () => {
    for (const missing of ['ROOT_SECRET', 'ADMIN_TOKEN']) {
      const env = environmentOf(services['node-1'], { ...SECRETS, [missing]: '' })
      expect(() => loadConfig(env)).toThrow(missing)
    }
  })

  test('each node has a folder of its own, and no port of this machine', () => {
    const volumes = nodes.map(({ volumes = [] }) => volumes)
    expect(volumes).toEqual([['node-1:/app/storage'], ['node-2:/app/storage']])
    const published = scaled.filter((name) => byName.get(name)?.ports !== undefined)
    expect(published).toEqual(['balancer', 'documentserver-scale'])
  })

  test('names and passwords are the same on both sides', () => {
    const node = environmentOf(services['node-1'], SECRETS)
    const database = new URL(node.DATABASE_URL ?? '')
    expect(environmentOf(services.postgres, SECRETS)).toEqual({
      POSTGRES_USER: database.username,
      POSTGRES_DB: database.pathname.slice(1),
      POSTGRES_PASSWORD: database.password,
    })
    const storage = {
      MINIO_ROOT_USER: node.AWS_ACCESS_KEY_ID,
      MINIO_ROOT_PASSWORD: node.AWS_SECRET_ACCESS_KEY,
    }
    expect(environmentOf(services.minio, SECRETS)).toEqual(storage)
    expect(environmentOf(services.bucket, SECRETS)).toEqual(storage)
    expect(services.bucket.command?.[0]).toContain(`storage/${s3Address(node.BLOBS_URL ?? '').bucket}\n`)
    expect(environmentOf(services.redis, SECRETS)).toEqual({
      REDISCLI_AUTH: new URL(node.BACKPLANE_URL ?? '').password,
    })
  })

  test('nothing starts without its secrets, and it says which is missing', () => {
    const run = (env: Record<string, string>) => {
      const { entrypoint = [], command = [], environment = {} } = services.secrets
      expect(Object.keys(environment)).toEqual(Object.keys(SECRETS).slice(1))
      const [program = '', ...words] = [...entrypoint, ...command.map((word) => interpolated(word, {}))]
      return spawnSync(program, words, { env: environmentOf(services.secrets, env), encoding: 'utf8' })
    }
    expect(run(SECRETS)).toMatchObject({ status: 0, stderr: '' })
    for (const name of Object.keys(SECRETS).slice(1)) {
      const { status, stderr } = run({ ...SECRETS, [name]: '' })
      expect([name, status === 0]).toEqual([name, false])
      expect(stderr).toContain(`${name}: set it to`)
    }
    for (const name of ['postgres', 'minio', 'redis'])
      expect(byName.get(name)?.depends_on).toHaveProperty('secrets')
  })

  test('the versions are pinned', () => {
    for (const name of scaled.filter((name) => !name.startsWith('node-')))
      expect(byName.get(name)?.image).toMatch(/:(\d|RELEASE\.\d)/)
  })

  test('saves under way are finished before a node is killed, and what passes through the balancer', () => {
    for (const { stop_grace_period } of [...nodes, services.balancer])
      expect(Number.parseInt(stop_grace_period ?? '', 10)).toBeGreaterThan(loadConfig({}).SHUTDOWN_S)
  })
})
