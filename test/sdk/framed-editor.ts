import type { FrameLocator } from 'playwright-core'
import type { TestApp } from '../support/app.ts'

export const PATIENT_MS = 10_000

/** The emulator's editor inside the embed page. */
export function editorIn(frame: FrameLocator): FrameLocator {
  return frame.frameLocator('iframe[name=frameEditor]')
}

/** A module that opens the editor as `window.editor` and notes everything it tells. */
export function scriptFor(options: Record<string, unknown>): string {
  return `
    import { NutoEditor } from '@nutooffice/sdk'
    window.told = []
    const note = (event) => (data) => window.told.push({ event, data })
    window.editor = new NutoEditor('editor-container', {
      type: 'docs',
      ...${JSON.stringify(options)},
      callbacks: { onReady: note('onReady'), onSave: note('onSave'), onError: note('onError'), onClose: note('onClose') },
    })
    for (const event of ['title', 'users', 'close']) window.editor.on(event, note(event))`
}

export async function embedToken(
  app: TestApp,
  documentId: string,
  wanted: { permissions: string[]; [field: string]: unknown },
): Promise<string> {
  const response = await app.fetch('/api/embed', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ documentId, ...wanted }),
  })
  return ((await response.json()) as { token: string }).token
}
