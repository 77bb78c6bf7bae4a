import type { Backplane } from './ports.ts'

export type SaveState = 'saving' | 'saved' | 'not-saved'

/** What pages of an open document are told. */
export type DocumentEvent =
  | { type: 'save-state'; state: SaveState; at: string; versionNumber?: number }
  | { type: 'head-changed'; versionNumber: number }
  | { type: 'users'; users: string[] }

/** A save of the key was stored; other parts of the service wait for it. */
export type SaveStored = { saveId: string; status: number; userdata: string | null; versionId: string | null }

/** Typed messages over the backplane, so that every node hears them. */
export type Events = {
  publish(documentId: string, event: DocumentEvent): Promise<void>
  subscribe(documentId: string, listener: (event: DocumentEvent) => void): () => void
  saveStored(key: string, save: SaveStored): Promise<void>
  onSaveStored(key: string, listener: (save: SaveStored) => void): () => void
}

export function createEvents(backplane: Backplane): Events {
  return {
    publish: (documentId, event) => backplane.publish(`document:${documentId}`, JSON.stringify(event)),
    subscribe: (documentId, listener) =>
      backplane.subscribe(`document:${documentId}`, (message) => listener(JSON.parse(message))),
    saveStored: (key, save) => backplane.publish(`saves:${key}`, JSON.stringify(save)),
    onSaveStored: (key, listener) =>
      backplane.subscribe(`saves:${key}`, (message) => listener(JSON.parse(message))),
  }
}
