import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestApp } from '../support/app.ts'

export const ROOT = join(import.meta.dirname, '../..')

export const snippet = (name: string) => readFileSync(join(ROOT, 'views/help/snippets', name), 'utf8')

export type Guide = {
  path: string
  html: string
  /** What a reader sees. */
  text: string
  /** Blocks to copy, as they are copied. */
  blocks: string[]
}

/** The list of guides and all guides, as everybody gets them. */
export async function readGuides(app: TestApp): Promise<Guide[]> {
  const index = await readGuide(app, '/help')
  const paths = [...index.html.matchAll(/href="(\/help\/[\w-]+)"/g)].map(([, path = '']) => path)
  return [index, ...(await Promise.all([...new Set(paths)].map((path) => readGuide(app, path))))]
}

async function readGuide(app: TestApp, path: string): Promise<Guide> {
  const answer = await app.fetch(path, { as: null })
  if (answer.status !== 200) throw new Error(`${path} answered ${answer.status}`)
  const html = await answer.text()
  const blocks = [...html.matchAll(/<pre[^>]*><code>(.*?)<\/code><\/pre>/gs)].map(([, code = '']) =>
    plain(code),
  )
  return { path, html, text: plain(html.replace(/<[^>]*>/g, '')), blocks }
}

function plain(html: string): string {
  const names: Record<string, string> = { lt: '<', gt: '>', quot: '"', '#39': "'", amp: '&' }
  return html.replace(/&(#?\w+);/g, (entity, name: string) => names[name] ?? entity)
}
