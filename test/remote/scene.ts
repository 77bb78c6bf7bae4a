import { RemoteDeliveries } from '../../src/core/remote/delivery.ts'
import type { EmulatedEditor } from '../../src/emulator/editor.ts'
import type { SignedConfig } from '../../src/emulator/types.ts'
import type { TestApp } from '../support/app.ts'
import { type Both, startBoth } from '../support/both.ts'
import { testClock } from '../support/clock.ts'
import { docxParagraphs, makeDocx } from '../support/files.ts'
import { type FileManager, startFileManager } from './file-manager.ts'

export const PATH = '/files/report.docx'
export const ORIGINAL = makeDocx(['Theirs', 'Two'])

export type LinkedFile = {
  documentId: string
  key: string
  state: string
  etag: string | null
  lastError: string | null
  nextAttemptAt: string | null
  conflictDocumentId: string | null
  isEnding: boolean
  attempts: number
}

export type Scene = AsyncDisposable & {
  both: Both
  manager: FileManager
  clock: ReturnType<typeof testClock>
  env: Record<string, string>
}

/** The service, a Document Server and a file manager that keeps one document. */
export async function startScene({ background = false } = {}): Promise<Scene> {
  const clock = testClock()
  const manager = await startFileManager()
  manager.files.set(PATH, ORIGINAL)
  const env = { FILE_ORIGINS: manager.origin }
  const both = await startBoth({ env, clock: clock.now, overrides: { background } })
  return {
    both,
    manager,
    clock,
    env,
    async [Symbol.asyncDispose]() {
      await both[Symbol.asyncDispose]()
      await manager[Symbol.asyncDispose]()
    },
  }
}

export type Answer = {
  status: number
  json: { url: string; documentId: string; expiresAt: string; code: string; detail: string }
}

export function wanted({ origin }: Pick<FileManager, 'origin'>, more: object = {}): Record<string, unknown> {
  return {
    url: `${origin}${PATH}`,
    name: 'report.docx',
    key: 'file-1',
    writeBack: { url: `${origin}${PATH}?token=write-secret`, method: 'PUT' },
    user: { id: 'ann', name: 'Ann' },
    ...more,
  }
}

export async function link(
  { both: { app }, manager }: Pick<Scene, 'both' | 'manager'>,
  more: object = {},
  as = app.token,
): Promise<Answer> {
  const response = await app.fetch('/api/links', {
    method: 'POST',
    as,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(wanted(manager, more)),
  })
  return { status: response.status, json: (await response.json()) as Answer['json'] }
}

/** What the page behind an address hands to the editor. */
export async function pageConfig(app: TestApp, url: string): Promise<SignedConfig & { token: string }> {
  const response = await fetch(`${app.url}${new URL(url).pathname}`)
  const data = /<script type="application\/json"[^>]*>(.*?)<\/script>/s.exec(await response.text())?.[1]
  if (response.status !== 200 || data === undefined) throw new Error(`the page answered ${response.status}`)
  return JSON.parse(data).config
}

/** Opens the file as this user. */
export async function open(
  scene: Scene,
  userId = 'ann',
  more: object = {},
): Promise<{ editor: EmulatedEditor; documentId: string; key: string }> {
  const { status, json } = await link(scene, { user: { id: userId, name: userId }, ...more })
  if (status !== 201) throw new Error(`answered ${status}: ${json.detail}`)
  const config = await pageConfig(scene.both.app, json.url)
  const editor = await scene.both.docServer.open(config)
  return { editor, documentId: json.documentId, key: config.document.key }
}

/** Opens, types and closes: the save is stored here when this resolves, and not delivered yet. */
export async function edit(scene: Scene, text: string, more: object = {}): Promise<string> {
  const { editor, documentId } = await open(scene, 'ann', more)
  editor.type(0, text)
  await editor.close()
  await scene.both.docServer.settled()
  return documentId
}

/** What the background does each second, until nothing is due. */
export async function deliver({ deps }: TestApp): Promise<void> {
  await new RemoteDeliveries(deps, new AbortController().signal).idle()
}

export async function links({ app }: Pick<Both, 'app'>, query = '', as = app.token): Promise<LinkedFile[]> {
  const response = await app.fetch(`/api/links${query}`, { as })
  return ((await response.json()) as { links: LinkedFile[] }).links
}

export async function stateOf(scene: Scene): Promise<LinkedFile | undefined> {
  return (await links(scene.both))[0]
}

export async function secret({ app }: Pick<Both, 'app'>): Promise<string> {
  return ((await (await app.fetch('/api/links/secret')).json()) as { secret: string }).secret
}

export function textAt({ files }: FileManager, path = PATH): string[] {
  return docxParagraphs(files.get(path) ?? Buffer.alloc(0))
}
