/** Somebody connected to a document's hub. */
export type RoomMember = {
  connectionId: string
  userId: string
  userName: string
  /** `#RRGGBB`. */
  userColor: string
}

/** What the hub's nodes tell each other of a document. */
export type RoomMessage =
  | {
      kind: 'updates'
      epoch: number
      /** Sequence number of the first; the others follow without a gap. */
      seq: number
      /** Connection that sent it, and the update in Base64. */
      updates: [from: string, base64: string][]
    }
  /** `to`: a newcomer, who is told what others said last. */
  | { kind: 'awareness'; from: string; data: unknown; to?: string }
  | { kind: 'joined'; member: RoomMember }
  | { kind: 'left'; connectionId: string }
  /** The content was replaced: what was shared so far belongs to an ended epoch. */
  | { kind: 'restored'; epoch: number; versionNumber: number }
