import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'

export const TOP = new URL('../..', import.meta.url).pathname
export const text = readFileSync(join(TOP, 'docker-compose.onlyoffice.yml'), 'utf8')

export type Service = {
  build?: { context: string; dockerfile_inline: string }
  command?: string[]
  depends_on?: Record<string, { condition: string }>
  entrypoint?: string[]
  environment?: Record<string, string>
  healthcheck?: { test: string[] }
  image: string
  init?: boolean
  ports?: string[]
  profiles?: string[]
  stop_grace_period?: string
  user?: string
  volumes?: string[]
}
type Compose = {
  services: Record<
    | 'docs-connector'
    | 'documentserver'
    | 'secrets'
    | 'postgres'
    | 'minio'
    | 'bucket'
    | 'redis'
    | 'node-1'
    | 'node-2'
    | 'balancer'
    | 'documentserver-scale',
    Service
  >
  configs: Record<'balancer', { content: string }>
  volumes: Record<string, null>
}

/** As Compose reads it: with merge keys. */
export const parseCompose = (yaml: string): Compose => parse(yaml, { merge: true })

export const compose = parseCompose(text)

/** Fills in `${NAME}`, `${NAME:-default}`, `${NAME:?message}` and `$$` as Compose does. */
export function interpolated(value: string, env: Record<string, string>): string {
  return value.replace(
    /\$\$|\$\{(\w+)(?::([-?])([^}]*))?\}/g,
    (given, name: string | undefined, kind?: string, rest = '') => {
      if (name === undefined) return given === '$$' ? '$' : given
      if (env[name]) return env[name]
      if (kind === '?') throw new Error(`${name}: ${rest}`)
      return rest
    },
  )
}

export function environmentOf({ environment = {} }: Service, env: Record<string, string>) {
  return Object.fromEntries(
    Object.entries(environment).map(([name, value]) => [name, interpolated(value, env)]),
  )
}
