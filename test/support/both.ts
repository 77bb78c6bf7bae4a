import type { EmulatedEditor } from '../../src/emulator/editor.ts'
import type { Emulator } from '../../src/emulator/emulator.ts'
import { startEmulator } from '../../src/emulator/start.ts'
import type { Timings } from '../../src/emulator/types.ts'
import { type AppOptions, openAs, SECRET, startApp, type TestApp } from './app.ts'
import { makeDocx } from './files.ts'

/** The emulator's waits, cut short. */
export const QUICK: Partial<Timings> = {
  closeToSaveMs: 50,
  dropToSaveMs: 10,
  retryDelaysMs: [20, 20, 20],
  forcesaveMs: 10,
  downloadRetryMs: 10,
}

export type Both = AsyncDisposable & {
  app: TestApp
  docServer: Emulator & { url: string }
  /** A document of the paragraphs `One` and `Two`. */
  id: string
  /** Its session's key. */
  key: string
  open(userId?: string, query?: string): Promise<EmulatedEditor>
  /** One hand-made callback of the session. @returns its HTTP status */
  send(fields: { status: number; [field: string]: unknown }, bytes?: Buffer): Promise<number>
}

/** The service and a Document Server, with one document that was opened once. */
export async function startBoth(
  options: Omit<AppOptions, 'docServer'> & { clock?: () => Date; timings?: Partial<Timings> } = {},
): Promise<Both> {
  const clock = options.clock ?? (() => new Date())
  const docServer = await startEmulator({ secret: SECRET, timings: { ...QUICK, ...options.timings }, clock })
  const app = await startApp({ docServer, ...options, overrides: { clock, ...options.overrides } })
  const id = await app.upload('report.docx', makeDocx(['One', 'Two']))
  const { key } = (await app.config(id)).document
  return {
    app,
    docServer,
    id,
    key,
    open: (userId, query) => openAs(app, docServer, id, userId, query),
    async send(fields, bytes) {
      const url = bytes === undefined ? {} : { url: docServer.fileUrl(bytes) }
      const callback = { key, users: ['ann'], filetype: 'docx', ...url, ...fields }
      const answer = await docServer.sendCallback(key, callback, {
        callbackUrl: `${app.url}/api/onlyoffice/callback`,
      })
      return answer.status
    },
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]()
      await docServer.close()
    },
  }
}

export async function until(isTrue: () => Promise<boolean> | boolean, withinMs = 10_000): Promise<void> {
  const end = Date.now() + withinMs
  while (!(await isTrue())) {
    if (Date.now() > end) throw new Error(`not so within ${withinMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
