import { createHash } from 'node:crypto'
import type { RequestHandler } from 'express'
import { openApiDocument } from './openapi.ts'
import type { Operation } from './operation.ts'

/** The document, made when somebody first asks for it. */
export function openApiRoute(operations: Operation[], { publicUrl }: { publicUrl: string }): RequestHandler {
  let made: { text: string; etag: string } | undefined
  return (_request, response) => {
    made ??= make()
    // Express answers 304 to whoever knows the ETag.
    response.set({ ETag: made.etag, 'Cache-Control': 'public, max-age=300' }).type('json').send(made.text)
  }

  function make() {
    const text = JSON.stringify(openApiDocument(operations, { publicUrl }))
    return { text, etag: `"${createHash('sha256').update(text).digest('base64url')}"` }
  }
}
