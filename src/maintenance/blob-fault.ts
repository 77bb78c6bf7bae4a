import { type Mentioner, mentionersOf } from '../metadata/mentions.ts'
import type { Database } from '../metadata/schema.ts'

export type BlobFault = {
  problem: 'missing' | 'damaged' | 'unreadable' | 'of another size than its row says'
  sha256: string
  /** A few of the rows that need it; none: nothing does. */
  mentionedBy: Mentioner[]
}

export async function blobFault(
  database: Database,
  sha256: string,
  problem: BlobFault['problem'],
): Promise<BlobFault> {
  return { problem, sha256, mentionedBy: await mentionersOf(database, sha256) }
}

/** One line a row: what is wrong with which document. */
export function faultLines({ problem, sha256, mentionedBy }: BlobFault): string[] {
  if (mentionedBy.length === 0) return [`blob ${sha256} is ${problem}; no row mentions it`]
  return mentionedBy.map(({ what, id, documentId, title, versionNumber }) => {
    if (documentId === null) return `blob ${sha256} (${what} of ${id}) is ${problem}`
    const number = versionNumber === null ? '' : `, version ${versionNumber}`
    return `document ${documentId} “${title ?? ''}”${number}: blob ${sha256} (${what} ${id}) is ${problem}`
  })
}
