import * as Y from 'yjs'
import type { CollaborationErrorCode } from '../../src/sdk/collaboration-error.ts'
import {
  type CollaborationEvents,
  type CollaborationOptions,
  NutoCollaboration,
} from '../../src/sdk/nuto-collaboration.ts'
import type { TestApp } from '../support/app.ts'

export type Person = Disposable & {
  collaboration: NutoCollaboration
  doc: Y.Doc
  text: Y.Text
  errors: CollaborationErrorCode[]
}

export const write = (person: Pick<Person, 'text'>, words: string) => {
  person.text.insert(person.text.length, words)
}

export async function newNote(app: TestApp): Promise<string> {
  return app.upload('note.txt', Buffer.from(''))
}

/** Somebody with a page of their own. */
export function openFor(
  app: TestApp,
  documentId: string,
  options: Partial<CollaborationOptions> = {},
): Person {
  const doc = options.doc ?? new Y.Doc()
  const errors: CollaborationErrorCode[] = []
  const collaboration = new NutoCollaboration({
    serverUrl: app.url,
    documentId,
    token: app.token,
    ...options,
    doc,
  })
  collaboration.on('error', ({ code }) => errors.push(code))
  return {
    collaboration,
    doc,
    text: doc.getText('note'),
    errors,
    [Symbol.dispose]() {
      collaboration.destroy()
      doc.destroy()
    },
  }
}

/** The next one of the event that is wanted. */
export function told<N extends keyof CollaborationEvents>(
  { collaboration }: Person,
  name: N,
  isWanted: (value: CollaborationEvents[N]) => boolean = () => true,
): Promise<CollaborationEvents[N]> {
  const { promise, resolve } = Promise.withResolvers<CollaborationEvents[N]>()
  const end = collaboration.on(name, (value) => {
    if (!isWanted(value)) return
    end()
    resolve(value)
  })
  return promise
}

export async function synced(...people: Person[]): Promise<void> {
  await Promise.all(
    people.map(async (person) => {
      if (!person.collaboration.isSynced) await told(person, 'synced', (isSynced) => isSynced)
    }),
  )
}

export async function saved(...people: Person[]): Promise<void> {
  await Promise.all(
    people.map(async (person) => {
      if (!person.collaboration.isSaved) await told(person, 'saved', (isSaved) => isSaved)
    }),
  )
}

/** Resolves when the text is as wanted. */
export function reads({ text }: Person, isWanted: (text: string) => boolean): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const look = () => {
    if (!isWanted(text.toString())) return
    text.unobserve(look)
    resolve()
  }
  text.observe(look)
  look()
  return promise
}
