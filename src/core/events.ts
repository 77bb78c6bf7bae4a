import type { Backplane } from './ports.ts'
import type { RoomMessage } from './updates/room-message.ts'

export type SaveState = 'saving' | 'saved' | 'not-saved'

/** What pages of an open document are told. */
export type DocumentEvent =
  | { type: 'save-state'; state: SaveState; at: string; versionNumber?: number }
  | { type: 'head-changed'; versionNumber: number }
  | { type: 'users'; users: string[] }

/** A save of the key was stored; other parts of the service wait for it. */
export type SaveStored = { saveId: string; status: number; userdata: string | null; versionId: string | null }

/** What Document Server said of a key's editors: by itself, or provoked by `info`. */
export type Presence = { status: 1 | 4; users: string[] }

/** Typed messages over the backplane, so that every node hears them. */
export type Events = {
  publish(documentId: string, event: DocumentEvent): Promise<void>
  subscribe(documentId: string, listener: (event: DocumentEvent) => void): () => void
  saveStored(key: string, save: SaveStored): Promise<void>
  onSaveStored(key: string, listener: (save: SaveStored) => void): () => void
  presenceTold(key: string, presence: Presence): Promise<void>
  onPresence(key: string, listener: (presence: Presence) => void): () => void
  tellRoom(documentId: string, message: RoomMessage): Promise<void>
  onRoom(documentId: string, listener: (message: RoomMessage) => void): () => void
}

export function createEvents(backplane: Backplane): Events {
  return {
    publish: (documentId, event) => backplane.publish(`document:${documentId}`, JSON.stringify(event)),
    subscribe: (documentId, listener) =>
      backplane.subscribe(`document:${documentId}`, (message) => listener(JSON.parse(message))),
    saveStored: (key, save) => backplane.publish(`saves:${key}`, JSON.stringify(save)),
    onSaveStored: (key, listener) =>
      backplane.subscribe(`saves:${key}`, (message) => listener(JSON.parse(message))),
    presenceTold: (key, presence) => backplane.publish(`presence:${key}`, JSON.stringify(presence)),
    onPresence: (key, listener) =>
      backplane.subscribe(`presence:${key}`, (message) => listener(JSON.parse(message))),
    tellRoom: (documentId, message) => backplane.publish(`room:${documentId}`, JSON.stringify(message)),
    onRoom: (documentId, listener) =>
      backplane.subscribe(`room:${documentId}`, (message) => listener(JSON.parse(message))),
  }
}
