import { randomBytes } from 'node:crypto'
import { request } from 'node:http'
import { Readable } from 'node:stream'
import type { LargeDocx } from './docx.ts'

const BOUNDARY = 'bench-0198c0de00007000'
const HEAD = Buffer.from(
  `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="Report.docx"\r\n` +
    'Content-Type: application/octet-stream\r\n\r\n',
)
const TAIL = Buffer.from(`\r\n--${BOUNDARY}--\r\n`)
const MARK_BYTES = 8
const filler = randomBytes(1024 ** 2)
let sent = 0

/** One file by multipart, another one each time. @throws Error when it is not answered by 200 or 201 */
export function sendUpload(port: number, authorization: string, docx: LargeDocx): Promise<void> {
  const size = HEAD.length + docx.head.length + docx.fillerBytes + docx.tail.length + TAIL.length
  const headers = {
    authorization,
    'Content-Type': `multipart/form-data; boundary=${BOUNDARY}`,
    'Content-Length': size,
  }
  return new Promise((resolve, reject) => {
    const path = '/api/documents/upload'
    const upload = request({ host: '127.0.0.1', port, method: 'POST', path, headers }, (response) => {
      response.resume()
      response.once('error', reject).once('end', () => {
        if (response.statusCode === 200 || response.statusCode === 201) resolve()
        else reject(new Error(`an upload answered ${response.statusCode}`))
      })
    })
    upload.once('error', reject)
    Readable.from(parts(docx)).pipe(upload)
  })
}

function* parts({ head, fillerBytes, tail }: LargeDocx): Generator<Buffer> {
  const mark = Buffer.alloc(MARK_BYTES)
  mark.writeDoubleLE(sent++)
  yield Buffer.concat([HEAD, head, mark])
  for (let missing = fillerBytes - MARK_BYTES; missing > 0; missing -= filler.length) {
    yield filler.subarray(0, Math.min(missing, filler.length))
  }
  yield Buffer.concat([tail, TAIL])
}
