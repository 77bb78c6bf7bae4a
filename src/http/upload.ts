import type { Readable } from 'node:stream'
import { Busboy, type BusboyInstance } from '@fastify/busboy'
import type { Request } from 'express'
import type { Config } from '../config.ts'
import { Problem } from '../errors.ts'

export type UploadedFile = { fileName: string; bytes: Readable }

/** The part that carries the file. Source: Nuto Office API, Upload document. */
const FIELD = 'file'

export function isUpload(request: Request): boolean {
  return /^multipart\/form-data\s*;/i.test(request.headers['content-type'] ?? '')
}

/**
 * Streams the one file of a multipart body to `take`; nothing is buffered. An upload may last as
 * long as it makes progress.
 *
 * @throws Problem `media-type-unsupported`, `upload-malformed`, `upload-too-large`, `upload-stalled`,
 *   and whatever `take` throws
 */
export async function receiveUpload<T>(
  request: Request,
  { MAX_FILE_BYTES, UPLOAD_STALL_S }: Pick<Config, 'MAX_FILE_BYTES' | 'UPLOAD_STALL_S'>,
  take: (file: UploadedFile) => Promise<T>,
): Promise<T> {
  const contentType = request.headers['content-type'] ?? ''
  if (!isUpload(request)) {
    throw new Problem('media-type-unsupported', 'send the file as multipart/form-data, field "file"')
  }
  const stall = new AbortController()
  const timer = setTimeout(() => stall.abort(new Problem('upload-stalled')), UPLOAD_STALL_S * 1000)
  const progress = () => timer.refresh()
  request.on('data', progress)
  // What has arrived whole cannot stall any more: a slow disk is no fault of the sender.
  request.once('end', () => clearTimeout(timer))
  try {
    return await readForm(request, contentType, MAX_FILE_BYTES, stall.signal, take)
  } catch (error) {
    // What is left of the body is of no use: the connection ends with the answer.
    request.res?.set('Connection', 'close')
    request.unpipe()
    request.resume()
    throw error
  } finally {
    clearTimeout(timer)
    request.off('data', progress)
  }
}

function readForm<T>(
  request: Request,
  contentType: string,
  maxBytes: number,
  stalled: AbortSignal,
  take: (file: UploadedFile) => Promise<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const form = openForm(contentType, maxBytes)
    let taken: Promise<T> | undefined
    let current: Readable | undefined
    const fail = (error: unknown) => {
      current?.destroy(error instanceof Error ? error : undefined)
      reject(error)
    }
    const malformed = (cause?: unknown) => fail(new Problem('upload-malformed', undefined, { cause }))

    form.on('file', (field, bytes, fileName) => {
      if (field !== FIELD || taken !== undefined) {
        bytes.resume()
        return
      }
      current = bytes
      // It may be destroyed before anybody reads it; the failure is answered by `take`.
      bytes.on('error', () => {})
      taken = take({ fileName: decodedName(fileName), bytes })
      // Settled at once: a refused file is answered without reading the rest of it.
      taken.catch(fail)
    })
    form.once('error', malformed)
    form.once('finish', () => {
      if (taken === undefined) malformed(new Error('there is no part named "file" with a file name'))
      else taken.then(resolve, reject)
    })
    request.once('error', malformed)
    request.once('close', () => {
      if (!request.complete) malformed(new Error('the upload broke off'))
    })
    stalled.addEventListener('abort', () => fail(stalled.reason), { once: true })
    request.pipe(form)
  })
}

function openForm(contentType: string, maxBytes: number): BusboyInstance {
  try {
    return new Busboy({
      headers: { 'content-type': contentType },
      limits: {
        fileSize: maxBytes + 1,
        files: 4,
        fields: 50,
        fieldSize: 64 * 1024,
        parts: 60,
        headerPairs: 100,
      },
    })
  } catch (cause) {
    throw new Problem('upload-malformed', undefined, { cause })
  }
}

/** A part without a file name is a plain field to Busboy; an empty one still needs a title. */
function decodedName(name: string | undefined): string {
  return name === undefined || name === '' ? 'Untitled' : name
}
