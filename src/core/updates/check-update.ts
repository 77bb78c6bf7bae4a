import { type Decoder, hasContent } from 'lib0/decoding'
import * as Y from 'yjs'
import { Problem } from '../../errors.ts'

/** Of values inside an update; deeper ones end the stack of whoever writes them out again. */
const MOST_DEPTH = 256
/** Clocks beyond cannot be written in the format in which Yjs keeps what still lacks something. */
const MOST_CLOCK = 2 ** 50

type Struct = Y.Item | Y.GC | Y.Skip
type DeleteSet = ReturnType<typeof Y.decodeUpdate>['ds']

/**
 * Demands an update that Yjs can read to its last byte, apply and write again. Takes time and memory
 * by the bytes there are, whatever counts they declare.
 *
 * @param update Yjs update V1
 * @throws Problem `update-invalid`
 */
export function checkUpdate(update: Uint8Array): void {
  let decoder: Decoder | undefined
  class ObservedDecoder extends Y.UpdateDecoderV1 {
    constructor(it: Decoder) {
      super(it)
      decoder = it
    }
  }
  let isSound = false
  try {
    // A declared length may lead past the end, into other bytes of the buffer: then reading the deletions,
    // which come last, fails.
    const { structs, ds } = Y.decodeUpdateV2(update, ObservedDecoder)
    isSound = decoder !== undefined && !hasContent(decoder) && structs.every(isStruct) && isDeleteSet(ds)
  } catch (error) {
    throw new Problem('update-invalid', undefined, { cause: error })
  }
  if (!isSound) throw new Problem('update-invalid')
}

function isStruct(struct: Struct): boolean {
  const { client, clock } = struct.id
  if (!Number.isSafeInteger(client) || clock + struct.length > MOST_CLOCK) return false
  if (struct instanceof Y.Skip) return true
  if (struct.length === 0) return false
  if (!(struct instanceof Y.Item)) return true
  return (
    comesBefore(struct.origin, struct.id) &&
    comesBefore(struct.rightOrigin, struct.id) &&
    (!(struct.parent instanceof Y.ID) || comesBefore(struct.parent, struct.id)) &&
    isContent(struct.content)
  )
}

/** What an item refers to is older; of another client that cannot be told here. */
function comesBefore(other: Y.ID | null, id: Y.ID): boolean {
  if (other === null) return true
  if (!Number.isSafeInteger(other.client) || other.clock > MOST_CLOCK) return false
  return other.client !== id.client || other.clock < id.clock
}

function isContent(content: Y.Item['content']): boolean {
  if (content instanceof Y.ContentAny || content instanceof Y.ContentJSON) return isShallow(content.arr)
  if (content instanceof Y.ContentEmbed) return isShallow(content.embed)
  if (content instanceof Y.ContentFormat) return isShallow(content.value)
  if (content instanceof Y.ContentDoc)
    return typeof content.doc.guid === 'string' && isShallow(content.doc.meta)
  return true
}

function isShallow(value: unknown, depth = 0): boolean {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return true
  return depth < MOST_DEPTH && Object.values(value).every((inner) => isShallow(inner, depth + 1))
}

/** Yjs writes ranges in order; those that are not, or empty, it cannot keep for later. */
function isDeleteSet(deletes: DeleteSet): boolean {
  return deletes.clients.entries().every(([client, ranges]) => {
    let end = 0
    return (
      Number.isSafeInteger(client) &&
      ranges.every(({ clock, len }) => {
        const isNext = len > 0 && clock >= end && clock + len <= MOST_CLOCK
        end = clock + len
        return isNext
      })
    )
  })
}
