import type { Readable } from 'node:stream'
import { z } from 'zod'

const MAX_ANSWER_BYTES = 64 * 1024
const Answer = z.object({ etag: z.string().optional().catch(undefined) })

/** What an answer's body says, as far as it is JSON of ours; the status counts whatever becomes of it. */
export async function readSome(body: Readable): Promise<{ etag?: string | undefined }> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of body) {
      bytes += chunk.length
      if (bytes > MAX_ANSWER_BYTES) break
      chunks.push(chunk)
    }
    return Answer.catch({}).parse(JSON.parse(Buffer.concat(chunks).toString()))
  } catch {
    // No JSON, or cut short.
    return {}
  } finally {
    body.destroy()
  }
}
