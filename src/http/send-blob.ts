import { create as contentDisposition } from 'content-disposition'
import type { Request, Response } from 'express'
import { mimeTypeOf } from '../core/formats.ts'
import type { BlobStore } from '../core/ports.ts'
import { Problem } from '../errors.ts'

export type SentFile = { sha256: string; size: number; extension: string; name: string }

/**
 * Answers GET and HEAD with a blob: ETag, 304, one Range, If-Range, 416.
 *
 * Source: RFC 9110 §13 (conditional requests), §14 (ranges); RFC 6266 (Content-Disposition).
 *
 * @throws Problem `range-not-satisfiable`, `blob-missing`
 */
export async function sendBlob(
  blobs: BlobStore,
  request: Request,
  response: Response,
  file: SentFile,
): Promise<void> {
  const etag = `"${file.sha256}"`
  response.set({
    ETag: etag,
    'Accept-Ranges': 'bytes',
    // The head may move: a cache must ask, and is answered 304.
    'Cache-Control': 'private, no-cache',
    'Content-Type': mimeTypeOf(file.extension),
    'Content-Disposition': contentDisposition(file.name),
    'X-Content-Type-Options': 'nosniff',
  })
  if (['GET', 'HEAD'].includes(request.method) && isKnown(request, etag)) {
    response.status(304).end()
    return
  }
  const range = requestedRange(request, etag, file.size)
  if (range === 'outside') {
    response.removeHeader('Content-Disposition')
    response.set('Content-Range', `bytes */${file.size}`)
    throw new Problem('range-not-satisfiable')
  }
  if (range !== undefined) {
    response.status(206).set('Content-Range', `bytes ${range.start}-${range.end}/${file.size}`)
  }
  response.set('Content-Length', String(range === undefined ? file.size : range.end - range.start + 1))
  if (request.method === 'HEAD' || file.size === 0) {
    response.end()
    return
  }
  await blobs.send(file, range, response)
}

/** Also for fetch(), which adds `Cache-Control: no-cache` to a condition. Source: RFC 9110 §13.1.2. */
function isKnown(request: Request, etag: string): boolean {
  const known = request.headers['if-none-match']
  if (known === undefined) return false
  return known.trim() === '*' || known.split(',').some((one) => one.trim().replace(/^W\//, '') === etag)
}

/**
 * Undefined: the whole file. Only GET has ranges, and more than one is answered with the whole
 * file. Source: RFC 9110 §14.2.
 */
function requestedRange(
  request: Request,
  etag: string,
  size: number,
): { start: number; end: number } | 'outside' | undefined {
  if (request.method !== 'GET') return undefined
  const condition = request.headers['if-range']
  // A date never matches: our validator is the strong ETag.
  if (condition !== undefined && condition !== etag) return undefined
  const suffix = /^bytes=-(\d+)$/.exec(request.headers.range ?? '')?.[1]
  // The last bytes of a shorter file are all of it. Source: RFC 9110 §14.1.2.
  if (suffix !== undefined && size > 0 && Number(suffix) >= size) return { start: 0, end: size - 1 }
  const ranges = request.range(size)
  if (ranges === undefined || ranges === -2) return undefined
  if (ranges === -1) return 'outside'
  const [first] = ranges
  if (ranges.type !== 'bytes' || ranges.length !== 1 || first === undefined) return undefined
  return { start: first.start, end: first.end }
}
