import { readdirSync, readFileSync } from 'node:fs'
import { type Request, type Response, Router } from 'express'
import type { Tokens } from '../core/tokens.ts'
import { Problem } from '../errors.ts'
import { isAdministrator } from '../http/authentication.ts'
import { scriptJson, type Views } from './views.ts'

const SNIPPETS = new URL('../../views/help/snippets/', import.meta.url)

/** Each is a template of its name in `views/help`. */
const TOPICS = {
  pair: ['Pair with a Document Server', 'Secret, addresses and what to check, for Docker and the package'],
  proxies: [
    'Behind nginx or Caddy',
    'At the root of a name or below a sub-path, with everything that must pass',
  ],
  systemd: ['As a systemd service', 'A unit with a user of its own, few rights and its secrets in files'],
  certificates: ['Own certificate authority', 'Who has to trust whom, and where that is set'],
  backup: ['Backup and restore', 'While the service runs, checked, and added to by every run'],
  upgrade: ['Upgrade', 'Of the service, of Document Server, and changing the secret'],
  growing: [
    'More than one machine',
    'PostgreSQL, S3 and Redis, a balancer, and what happens when one of them is away',
  ],
  capacity: [
    'How much it holds',
    'What a node, an open document and a million documents take, and a million people by calculation',
  ],
  errors: ['What the errors mean', 'What the editor and its page say, why, and what helps'],
  integrate: ['File managers and embeds', 'From other programs: files of theirs, frames, the API'],
} as const satisfies Record<string, readonly [title: string, about: string]>

type Heading = { id: string; text: string }

export type HelpPages = {
  views: Views
  tokens: Tokens
  /** Path of our address, without a slash at the end. */
  basePath: string
}

/** `/help`: guides for whoever runs the service; for everybody, since nothing of it is secret. */
export function helpRoutes({ views, tokens, basePath }: HelpPages): Router {
  const router = Router()
  const topics = Object.entries(TOPICS).map(([name, [title, about]]) => ({ name, title, about }))
  const snippets = new Map(
    readdirSync(SNIPPETS).map((name) => [name, readFileSync(new URL(name, SNIPPETS), 'utf8')]),
  )
  /** A block that can be copied. @param where it goes to: a file */
  const code = (text: string, where = 'Terminal') => views.render('help/code', { text: text.trim(), where })
  const snippet = (name: string, where: string) => code(snippets.get(name) ?? '', where)

  /** The administrator keeps the way around the application. */
  function send(request: Request, response: Response, data: Record<string, unknown>): void {
    const frame = isAdministrator(request, tokens) ? './app' : './layout'
    const forFrame = { frame, section: 'help', script: 'help', page: scriptJson({ basePath }) }
    response.set('Cache-Control', 'no-store').send(views.render('help', { ...forFrame, topics, ...data }))
  }

  router.get('/', (request, response) => send(request, response, { title: 'Help' }))
  router.get('/:topic', (request, response) => {
    const topic = topics.find(({ name }) => name === request.params.topic)
    if (topic === undefined) throw new Problem('route-not-found')
    const text = views.render(`help/${topic.name}`, { code, snippet })
    send(request, response, { title: topic.title, topic, text, headings: headingsOf(text) })
  })
  return router
}

function headingsOf(html: string): Heading[] {
  return [...html.matchAll(/<h2 id="([\w-]+)">([^<]*)<\/h2>/g)].map(([, id = '', text = '']) => ({
    id,
    text,
  }))
}
