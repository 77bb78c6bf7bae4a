import { request } from 'undici'

type Expected = {
  name: string
  method?: 'GET' | 'HEAD'
  headers: Record<string, string>
  status: number
  /** Bytes of the body. */
  length: number
  contentRange?: string
}

/** Asks for a file in the ways of RFC 9110 §13 and §14. @returns the names of those not answered right */
export async function wrongAnswers(port: number, path: string, size: number): Promise<string[]> {
  // Not fetch: it adds `Cache-Control: no-cache` to conditional requests.
  const ask = async (method: 'GET' | 'HEAD', headers: Record<string, string>) => {
    const {
      statusCode,
      headers: fields,
      body,
    } = await request(`http://127.0.0.1:${port}${path}`, {
      method,
      headers,
    })
    const field = (name: string) => String(fields[name] ?? '')
    return { status: statusCode, field, body: Buffer.from(await body.arrayBuffer()) }
  }
  const { field: fieldOfWhole, body: bytes } = await ask('GET', {})
  const etag = fieldOfWhole('etag')
  const last = `bytes ${size - 100}-${size - 1}/${size}`

  const wrong: string[] = []
  for (const { name, method = 'GET', headers, status, length, contentRange } of expectations(
    etag,
    size,
    last,
  )) {
    const { status: answered, field, body } = await ask(method, headers)
    const from = Number(/^bytes (\d+)-/.exec(field('content-range'))?.[1] ?? 0)
    const isRight =
      answered === status &&
      (status >= 400 || body.length === length) &&
      (method === 'GET' || field('content-length') === String(size)) &&
      (contentRange === undefined || field('content-range') === contentRange) &&
      (![200, 206].includes(status) || bytes.subarray(from, from + body.length).equals(body))
    if (!isRight) wrong.push(name)
  }
  return wrong
}

function expectations(etag: string, size: number, last: string): Expected[] {
  return [
    { name: 'whole', headers: {}, status: 200, length: size },
    { name: 'HEAD', method: 'HEAD', headers: {}, status: 200, length: 0 },
    { name: '304', headers: { 'if-none-match': etag }, status: 304, length: 0 },
    { name: 'other ETag', headers: { 'if-none-match': '"other"' }, status: 200, length: size },
    {
      name: 'Range',
      headers: { range: 'bytes=10-19' },
      status: 206,
      length: 10,
      contentRange: `bytes 10-19/${size}`,
    },
    { name: 'suffix', headers: { range: 'bytes=-100' }, status: 206, length: 100, contentRange: last },
    {
      name: 'open end',
      headers: { range: `bytes=${size - 100}-` },
      status: 206,
      length: 100,
      contentRange: last,
    },
    {
      name: '416',
      headers: { range: `bytes=${size}-` },
      status: 416,
      length: 0,
      contentRange: `bytes */${size}`,
    },
    {
      name: 'If-Range',
      headers: { range: 'bytes=0-9', 'if-range': etag },
      status: 206,
      length: 10,
      contentRange: `bytes 0-9/${size}`,
    },
    {
      name: 'If-Range of another',
      headers: { range: 'bytes=0-9', 'if-range': '"other"' },
      status: 200,
      length: size,
    },
  ]
}
