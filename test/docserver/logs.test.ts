import { Writable } from 'node:stream'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { ADMIN_TOKEN, SECRET } from '../support/app.ts'
import { makeDocx } from '../support/files.ts'
import { openedDocx, postCallback, sign, startPair } from './support.ts'

test('no secret, token or query string reaches the log, whatever goes wrong', async () => {
  const lines: string[] = []
  const stream = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk))
      done()
    },
  })
  await using pair = await startPair({
    overrides: { log: pino({ level: 'trace' }, stream) },
    env: { COMMAND_TIMEOUT_S: '1', DOWNLOAD_STALL_S: '1', DOWNLOAD_RETRY_S: '0' },
  })
  const { app, docServer } = pair
  const { id, key, fileUrl } = await openedDocx(app)
  const url = docServer.fileUrl(makeDocx(['Edited']))
  const closed = url.replace(docServer.url, 'http://127.0.0.1:1')
  docServer.faults.files({ kind: 'status', status: 500 })
  for (const address of [url, closed, `${url}&again=1`]) {
    await postCallback(app, { key, status: 2, url: address, filetype: 'docx', changesurl: closed })
  }
  await postCallback(
    app,
    { key, status: 1 },
    { bodyToken: sign({}, { secret: 'x'.repeat(40) }), header: null },
  )
  docServer.faults.command({ kind: 'status', status: 500 }, 5)
  await app.deps.docServer
    ?.forcesave(key)
    .catch((error: unknown) => app.deps.log.warn({ err: error }, 'refused'))
  docServer.faults.command({ kind: 'hang' }, 5)
  const [version] = await app.versions(id)
  await app.fetch(`/api/documents/${id}/versions/${version?.id}/restore`, { method: 'POST' })
  await fetch(`${fileUrl}x`)
  await fetch(`${app.url}/sign-in?link=a-secret-link`)
  await app.fetch(`/api/onlyoffice/documents/${id}/events?t=eyJbad`)
  await app.fetch(`/api/onlyoffice/viewer/${id}?token=eyJbad`)

  const log = lines.join('')
  expect(lines.length).toBeGreaterThan(8)
  expect(log).toContain('save taken')
  for (const secret of [SECRET, ADMIN_TOKEN, app.token, 'eyJ', 'md5=', 'a-secret-link', '?t=', 'Bearer ']) {
    expect(lines.filter((line) => line.includes(secret))).toEqual([])
  }
})

test('each save leaves one line with document, key, status, outcome, duration and request id', async () => {
  const lines: string[] = []
  const stream = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk))
      done()
    },
  })
  await using pair = await startPair({ overrides: { log: pino({ level: 'info' }, stream) } })
  const { id, key } = await openedDocx(pair.app)
  const url = pair.docServer.fileUrl(makeDocx(['Edited']))
  const answer = await postCallback(pair.app, { key, status: 2, url, filetype: 'docx', users: ['ann'] })
  const saves = lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'save taken')
  expect(saves).toEqual([
    expect.objectContaining({
      document: id,
      key,
      status: 2,
      outcome: 'final',
      durationMs: expect.any(Number),
      requestId: answer.headers.get('x-request-id'),
    }),
  ])
})
