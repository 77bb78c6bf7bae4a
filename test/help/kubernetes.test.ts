import { expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { loadConfig } from '../../src/config.ts'
import { startApp } from '../support/app.ts'
import { snippet } from './support.ts'

type Variable = { name: string; value?: string }
type Container = {
  env: Variable[]
  lifecycle: { preStop: { exec: { command: string[] } } }
  livenessProbe: { httpGet: { path: string; port: number } }
  readinessProbe: { httpGet: { path: string; port: number } }
  ports: { containerPort: number }[]
  volumeMounts: { name: string; mountPath: string }[]
}
type Resource = { kind: string; metadata: { name: string }; spec: Record<string, unknown> }
type Pod = {
  metadata: { labels: object }
  spec: { containers: Container[]; terminationGracePeriodSeconds: number; volumes: { name: string }[] }
}

const text = snippet('kubernetes.yml')
const documents = parseAllDocuments(text)
const resources = new Map(
  documents.map((document) => document.toJS() as Resource).map((resource) => [resource.kind, resource]),
)
const deployment = resources.get('Deployment')
const { template, selector } = (deployment?.spec ?? {}) as {
  template: Pod
  selector: { matchLabels: object }
}
const pod = template.spec
const [container] = pod.containers as [Container]
const config = loadConfig({
  // Of the secret, whose names stand in a comment.
  ...Object.fromEntries(
    [...text.matchAll(/\b(ROOT_SECRET|ADMIN_TOKEN|ONLYOFFICE_JWT_SECRET)\b/g)].map(([name]) => [
      name,
      'x'.repeat(32),
    ]),
  ),
  DATABASE_URL: 'postgres://docs@db.example.com/docs',
  BACKPLANE_URL: 'redis://redis.example.com',
  ...Object.fromEntries(container.env.map(({ name, value = 'docs-connector-abc' }) => [name, value])),
})

test('it is YAML, of three resources that belong together', () => {
  expect(documents.flatMap(({ errors }) => errors)).toEqual([])
  expect([...resources.keys()]).toEqual(['Deployment', 'Service', 'Ingress'])
  expect(selector.matchLabels).toEqual(template.metadata.labels)
  expect(resources.get('Service')?.spec.selector).toEqual(template.metadata.labels)
  const service = { name: resources.get('Service')?.metadata.name, port: { number: config.PORT } }
  expect(JSON.stringify(resources.get('Ingress')?.spec)).toContain(JSON.stringify({ service }))
})

test('its settings are those of a node of several', () => {
  expect(config).toMatchObject({ HOST: '0.0.0.0', NODE_NAME: 'docs-connector-abc', isEmulated: false })
  expect(config.BLOBS_URL).toMatch(/^s3:/)
  expect(container.volumeMounts).toEqual([{ name: 'storage', mountPath: config.DATA_DIR }])
  expect(pod.volumes.map(({ name }) => name)).toEqual(['storage'])
})

test('it is asked where the service answers', async () => {
  await using app = await startApp()
  for (const [{ httpGet }, path] of [
    [container.readinessProbe, '/ready'],
    [container.livenessProbe, '/health'],
  ] as const) {
    expect(httpGet).toEqual({ path, port: config.PORT })
    expect((await app.fetch(path, { as: null })).status).toBe(200)
  }
  expect(container.ports).toEqual([{ containerPort: config.PORT }])
})

test('saves under way are finished before it is killed', () => {
  const pauseS = Number(container.lifecycle.preStop.exec.command.at(-1))
  expect(pauseS).toBeGreaterThan(0)
  expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(pauseS + config.SHUTDOWN_S)
})
