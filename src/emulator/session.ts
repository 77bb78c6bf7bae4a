import { randomBytes } from 'node:crypto'
import type { EditedDocument } from './document.ts'
import type { Edit, EditorEvent, SignedConfig, User } from './types.ts'

export type SessionListener = {
  event(event: EditorEvent): void
  /** Another editor's change; undefined: everything may have changed. */
  change?(edits: readonly Edit[] | undefined): void
  /** Somebody came or left. */
  presence?(): void
}

/** One tab: what Document Server knows of it. A browser's page and an EmulatedEditor both drive one. */
export class EditorSession {
  readonly id = randomBytes(16).toString('hex')
  readonly listener: SessionListener
  state: 'new' | 'open' | 'refused' | 'failed' | 'dropped' | 'closed' = 'new'
  document: EditedDocument | undefined
  /** The key whose opening was refused last. */
  refusedKey: string | undefined
  user: User = { id: '', name: '' }
  callbackUrl: string | undefined
  /** Edit mode: named in callbacks. */
  isEditor = false
  canType = false
  /** Text stays in the tab until it is saved. */
  isStrict = false
  hasForcesave = false

  constructor(listener: SessionListener) {
    this.listener = listener
  }

  emit(name: string, data?: unknown): void {
    this.listener.event(data === undefined ? { name } : { name, data })
  }

  configure(config: SignedConfig): void {
    const { permissions = {} } = config.document
    const { callbackUrl, mode, user, coEditing, customization } = config.editorConfig ?? {}
    this.user = { id: user?.id ?? 'uid-anonymous', name: user?.name ?? 'Anonymous' }
    this.callbackUrl = callbackUrl
    const mayWrite =
      permissions.edit !== false || permissions.review === true || permissions.fillForms === true
    // An embedded editor only shows.
    const isViewer = mode === 'view' || config.type === 'embedded'
    this.isEditor = !isViewer && (mayWrite || permissions.comment === true)
    this.canType = this.isEditor && mayWrite
    this.isStrict = coEditing?.mode === 'strict'
    this.hasForcesave = customization?.forcesave === true
  }

  fail(errorCode: number, errorDescription: string): void {
    this.state = 'failed'
    this.emit('onError', { errorCode, errorDescription })
  }
}
