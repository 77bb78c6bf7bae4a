import { createHash } from 'node:crypto'

/** Characters of Unicode's private use area: no folded title that people type holds them. */
const FIRST = 0xe000
const COUNT = 6400

/**
 * A workspace as one word of the search index: three characters are what its tokenizer takes for a
 * word, so a search need not walk through the hits of other workspaces. Backwards it is the
 * workspace's trash: a trigger turns it, and first and last character are never the same. Two
 * workspaces may share a tag; rows are compared with the workspace itself as well.
 */
export function searchTag(workspaceId: string, isDeleted = false): string {
  const digest = createHash('sha256').update(workspaceId).digest()
  const half = COUNT / 2
  const numbers = [
    digest.readUInt16BE(0) % half,
    digest.readUInt16BE(2) % COUNT,
    half + (digest.readUInt16BE(4) % half),
  ]
  const characters = numbers.map((number) => String.fromCharCode(FIRST + number))
  return (isDeleted ? characters.reverse() : characters).join('')
}
