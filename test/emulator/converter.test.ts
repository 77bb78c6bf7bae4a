import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import jwt from 'jsonwebtoken'
import { describe, expect, test } from 'vitest'
import { DEVELOPMENT_SECRET, startEmulator } from '../../src/emulator/start.ts'
import { docx, FAST, startHost } from './host.ts'
import { hasRecordings, recordedAnswers } from './recorded.ts'

const sign = (payload: object, secret = DEVELOPMENT_SECRET, expiresIn = 300) =>
  jwt.sign(payload, secret, { expiresIn })

async function post(
  url: string,
  payload: object,
  options: { accept?: string; header?: boolean; token?: string } = {},
) {
  const { accept = '*/*', header, token = sign(header ? { payload } : payload) } = options
  const response = await fetch(url, {
    method: 'POST',
    headers: { accept, ...(header ? { authorization: `Bearer ${token}` } : {}) },
    body: JSON.stringify(header ? {} : { token }),
  })
  return {
    status: response.status,
    type: response.headers.get('content-type') ?? '',
    body: await response.text(),
  }
}

/** Keys, times and signatures differ from run to run. */
function masked<T extends { body: string }>(answer: T): T {
  const body = answer.body
    .replaceAll(/https?:\/\/[\d.:]+/g, 'http://DS')
    .replaceAll(/conv_[^/]+_513/g, 'conv_KEY_513')
    .replaceAll(/md5=[\w-]{22}/g, 'md5=M')
    .replaceAll(/expires=\d+/g, 'expires=T')
    .replaceAll(/shardkey=[^"&<]*/g, 'shardkey=K')
  return { ...answer, body }
}

/** Stands for LibreOffice: writes a file for pdf, and like it exits with 0 without one otherwise. */
async function fakeOffice() {
  const folder = await mkdtemp(path.join(tmpdir(), 'fake-office-'))
  const program = path.join(folder, 'soffice')
  const script = `#!/bin/sh
while [ $# -gt 1 ]; do
  case "$1" in --convert-to) to="$2";; --outdir) out="$2";; esac
  shift
done
[ "$to" = pdf ] || exit 0
mkdir -p "$out"; printf '%%PDF-1.7 of ' > "$out/source.pdf"; wc -c < "$1" >> "$out/source.pdf"
`
  await writeFile(program, script)
  await chmod(program, 0o755)
  return { program, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) }
}

describe.skipIf(!hasRecordings)('the converter answers as recorded', async () => {
  const recorded = hasRecordings ? recordedAnswers('convert-answers.txt') : new Map()

  test('success and failure, XML and JSON', async () => {
    await using host = await startHost()
    await using office = await fakeOffice()
    await using emulator = await startEmulator({ timings: FAST, office: office.program })
    host.files.set('/files/a.docx', docx('one'))
    const source = { url: `${host.url}/files/a.docx`, filetype: 'docx', outputtype: 'pdf' }
    const json = `${emulator.url}/converter`
    const ashx = `${emulator.url}/ConvertService.ashx`
    let keys = 0
    const fresh = (more: object = {}) => ({ ...source, key: `cv${keys++}`, ...more })
    const title = 'My file.docx'

    const answers: Record<string, Awaited<ReturnType<typeof post>>> = {
      'converter no token': await post(json, {}, { token: '' }),
      'CS no token': await post(ashx, {}, { token: '' }),
      'converter wrong token': await post(
        json,
        {},
        { token: sign(fresh(), 'wrong-secret-0123456789abcdef012345') },
      ),
      'converter expired': await post(json, {}, { token: sign(fresh(), DEVELOPMENT_SECRET, -120) }),
      'converter sync pdf': await post(json, fresh()),
      'ConvertService.ashx sync pdf (no Accept -> node fetch sends */*)': await post(ashx, fresh()),
      'ConvertService.ashx sync Accept: application/json': await post(ashx, fresh(), {
        accept: 'application/json',
      }),
      'converter Accept: application/xml': await post(json, fresh(), { accept: 'application/xml' }),
      'converter Accept: text/xml': await post(json, fresh(), { accept: 'text/xml' }),
      'converter Accept: text/html': await post(json, fresh(), { accept: 'text/html' }),
      'header token {payload}': await post(json, fresh({ title }), { header: true }),
      title: await post(json, fresh({ title })),
      '404 source': await post(json, fresh({ url: `${host.url}/files/none.docx` })),
      'conn refused source': await post(json, fresh({ url: 'http://127.0.0.1:1/a.docx' })),
      'bad outputtype': await post(json, fresh({ outputtype: 'exe' })),
      'converter failure (shim exit 80 for docx->odt)': await post(json, fresh({ outputtype: 'odt' })),
      'bad key': await post(json, fresh({ key: '../a' })),
      'no url': await post(json, { key: 'nourl', filetype: 'docx', outputtype: 'pdf' }),
      'no key': await post(json, source),
    }
    for (const [name, answer] of Object.entries(answers)) {
      expect(recorded.has(name), name).toBe(true)
      expect(masked(answer), name).toEqual(masked(recorded.get(name)))
    }
    const got = await fetch(`${ashx}?token=${sign(fresh())}`)
    expect(masked({ body: await got.text() }).body).toBe(
      masked(recorded.get('GET ConvertService.ashx token in query')).body,
    )
  })

  test('an asynchronous conversion is asked for until it is there', async () => {
    await using host = await startHost()
    await using office = await fakeOffice()
    await using emulator = await startEmulator({ timings: FAST, office: office.program })
    host.files.set('/files/a.docx', docx('one'))
    const order = {
      url: `${host.url}/files/a.docx`,
      filetype: 'docx',
      outputtype: 'pdf',
      key: 'k',
      async: true,
    }
    const url = `${emulator.url}/converter`
    expect(await post(url, order)).toEqual(recorded.get('async 1'))
    await emulator.settled()
    expect(masked(await post(url, order))).toEqual(masked(recorded.get('async 3 after 3 s')))
  })
})

describe('the converter', () => {
  test('gives the old file for another url under the same key, a new one under a new key', async () => {
    await using host = await startHost()
    await using emulator = await startEmulator({ timings: FAST })
    host.files.set('/files/a.docx', docx('one'))
    host.files.set('/files/b.docx', docx('two'))
    const convert = async (name: string, key: string) => {
      const order = { url: `${host.url}/files/${name}`, filetype: 'docx', outputtype: 'txt', key }
      const { fileUrl } = JSON.parse((await post(`${emulator.url}/converter`, order)).body)
      return (await fetch(fileUrl)).text()
    }
    expect(await convert('a.docx', 'k1')).toBe('one')
    expect(await convert('b.docx', 'k1')).toBe('one')
    expect(await convert('b.docx', 'k2')).toBe('two')
  })

  test('copies when nothing is to be converted, fetching with its own token', async () => {
    await using host = await startHost()
    await using emulator = await startEmulator({ timings: FAST })
    const bytes = Buffer.from('any bytes')
    host.files.set('/files/a.xlsx', bytes)
    const url = `${host.url}/files/a.xlsx`
    const answer = await post(`${emulator.url}/converter`, {
      url,
      filetype: 'xlsx',
      outputtype: 'xlsx',
      key: 'k',
    })
    const { fileUrl, fileType } = JSON.parse(answer.body)
    expect(fileType).toBe('xlsx')
    expect(Buffer.from(await (await fetch(fileUrl)).arrayBuffer())).toEqual(bytes)
    const [, token] = String(host.downloads[0]?.headers.authorization).split(' ')
    expect(jwt.verify(String(token), DEVELOPMENT_SECRET)).toMatchObject({ payload: { url } })
  })

  test('names what is wrong: no LibreOffice, a password, an unknown type', async () => {
    await using host = await startHost()
    await using emulator = await startEmulator({ timings: FAST, office: '/nowhere/soffice' })
    host.files.set('/files/a.docx', docx('one'))
    host.files.set('/files/locked.docx', Buffer.from('d0cf11e0a1b11ae1aaaa', 'hex'))
    host.files.set('/files/a', docx('one'))
    const error = async (name: string, more: object) => {
      const order = { url: `${host.url}/files/${name}`, outputtype: 'pdf', key: `k-${name}`, ...more }
      return JSON.parse((await post(`${emulator.url}/converter`, order)).body).error
    }
    expect(await error('a.docx', { filetype: 'docx' })).toBe(-3)
    expect(await error('locked.docx', { filetype: 'docx' })).toBe(-5)
    expect(await error('a', {})).toBe(-9)
  })
})
