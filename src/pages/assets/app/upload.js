// One file to the API. Source: XMLHttpRequest Standard; fetch tells no progress of what it sends.

import { page } from './service.js'

/** `isPassing`: the same may work later. */
export class UploadFault extends Error {
  constructor(words, isPassing = false) {
    super(words)
    this.isPassing = isPassing
  }
}

/**
 * @param onProgress is told the share that was sent, 0 to 1
 * @returns the document
 */
export function sendFile(file, { place, signal, key, onProgress }) {
  if (file.size > page.maxFileBytes) {
    return Promise.reject(new UploadFault(`Larger than ${page.maxFileSize}, the limit for one file`))
  }
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    request.open('POST', `${page.basePath}/api/documents/upload?${new URLSearchParams(place)}`)
    request.setRequestHeader('X-CSRF-Token', page.csrfToken)
    request.setRequestHeader('X-Requested-With', 'XMLHttpRequest')
    request.setRequestHeader('Idempotency-Key', key)
    request.responseType = 'json'
    request.upload.addEventListener('progress', ({ loaded, total }) =>
      onProgress(total > 0 ? loaded / total : 0),
    )
    request.addEventListener('load', () => {
      if (request.status === 201) return resolve(request.response)
      reject(faultOf(request))
    })
    request.addEventListener('error', () => reject(new UploadFault('The connection broke off', true)))
    request.addEventListener('abort', () => reject(new UploadFault('Cancelled')))
    signal.addEventListener('abort', () => request.abort(), { once: true })
    const form = new FormData()
    form.append('file', file, file.name)
    request.send(form)
  })
}

/** In plain words; what stands between us and the service answers in HTML. */
function faultOf({ status, response }) {
  const words = {
    'content-mismatch': 'The content is not what the file name says',
    'upload-empty': 'The file is empty',
    'extension-not-storable': 'The editor cannot open files of this kind',
    'upload-too-large': `Larger than ${page.maxFileSize}, the limit for one file`,
    'storage-unavailable': 'The disk of the service is full or cannot be written',
    'token-missing': 'You are not signed in any more: reload the page',
  }[response?.code]
  const isPassing = status >= 500 || status === 408 || status === 429
  const said = words ?? response?.detail ?? response?.title ?? `The service answered ${status}`
  return new UploadFault(said, isPassing)
}
