import { existsSync } from 'node:fs'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { hasLibreOffice, pdfText } from '../conversions/support.ts'
import { curl, python } from './programs.ts'
import { REPORT_TEXT, type Reader, startReader } from './reader.ts'
import { BASE_URL, call, fill, readCalls, readSample, SAMPLES } from './samples.ts'

const PAGE = join(import.meta.dirname, '../../../shared/sources/nuto-api-docs.txt')

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/
const HOUR_MS = 3_600_000
const NO_DOCUMENTS = { documents: [], totalCount: 0, skip: 0, take: 20 }

const KEY = { apiKey: expect.stringMatching(/^nuto_ak_./), secret: expect.stringMatching(/^nuto_sk_./) }
const TOKEN = { token: expect.stringMatching(/^eyJhbG[\w-]+\.[\w-]+\.[\w-]+$/) }

/** A document as the page prints it. */
const documentOf = (fields: { title: string; type: string; format: string; fileSize: unknown }) => ({
  id: expect.stringMatching(UUID),
  ...fields,
  createdAt: expect.stringMatching(TIME),
  updatedAt: expect.stringMatching(TIME),
})

describe('the samples are the page’s own', () => {
  const isMissing = !existsSync(PAGE)
  const oneLine = (text: string) => text.replaceAll(/\s+/g, ' ').trim()

  test.skipIf(isMissing)(`but for line breaks${isMissing ? ' (skipped: no ../shared)' : ''}`, async () => {
    const page = oneLine(await readFile(PAGE, 'utf8'))
    const names = (await readdir(SAMPLES)).filter((name) => name !== 'biome.json')
    expect(names).toHaveLength(6)
    for (const name of names) expect(page).toContain(oneLine(await readSample(name)))
  })
})

const hasOffice = await hasLibreOffice()

describe.skipIf(curl.isMissing)(`in curl${curl.note}`, () => {
  test('three steps: a key, a token, the list', async () => {
    await using reader = await startReader()
    const [one, two, three] = await readCalls('authenticate.sh')

    const key = await call(reader, one, { [BASE_URL]: reader.url })
    expect(key).toMatchObject({
      status: 201,
      json: {
        id: expect.stringMatching(UUID),
        name: 'My App',
        ...KEY,
        permissions: ['documents:read', 'documents:write', 'collaboration:join'],
        createdAt: expect.stringMatching(TIME),
      },
    })
    const { apiKey = '', secret = '' } = key.json

    const auth = await call(reader, two, {
      [BASE_URL]: reader.url,
      nuto_ak_xxx: apiKey,
      nuto_sk_xxx: secret,
    })
    expect(auth).toEqual({ status: 200, json: { ...TOKEN, expiresAt: expect.stringMatching(TIME) } })
    const { token = '', expiresAt = '' } = auth.json
    expect(Date.parse(expiresAt)).toBeLessThanOrEqual(Date.now() + HOUR_MS)
    expect(Date.parse(expiresAt)).toBeGreaterThan(Date.now() + 0.9 * HOUR_MS)

    const list = await call(reader, three, { [BASE_URL]: reader.url, 'eyJhbG...': token })
    expect(list).toMatchObject({ status: 200, json: NO_DOCUMENTS })
  })

  test('the first sample: a token, a blank document, which the list then holds', async () => {
    await using reader = await startReader()
    const token = await makeToken(reader)
    const [, create, ...rest] = await readCalls('quickstart.sh')
    expect(rest).toEqual([])

    const made = await call(reader, create, { [BASE_URL]: reader.url, '<token>': token })
    const report = { title: 'My Report', type: 'Docs', format: 'DOCX', fileSize: expect.any(Number) }
    expect(made).toMatchObject({ status: 201, json: documentOf(report) })

    const [, , list] = await readCalls('authenticate.sh')
    expect(await call(reader, list, { [BASE_URL]: reader.url, 'eyJhbG...': token })).toMatchObject({
      status: 200,
      json: { ...NO_DOCUMENTS, documents: [made.json], totalCount: 1 },
    })
  })

  test('three calls: JSON under curl’s own content type makes a document, the upload another, and converting without a token is 401', async () => {
    await using reader = await startReader()
    const { made, uploaded, convert } = await makeTwoCalls(reader)
    const report = { title: 'Report', type: 'Docs', format: 'DOCX', fileSize: expect.any(Number) }
    expect(made).toMatchObject({ status: 201, json: documentOf(report) })
    expect(uploaded).toMatchObject({
      status: 201,
      json: documentOf({ ...report, title: 'report', fileSize: reader.report.length }),
    })

    expect(await call(reader, convert)).toEqual({ status: 401, json: {} })
    const refusal: unknown = JSON.parse(await readFile(join(reader.folder, 'report.pdf'), 'utf8'))
    expect(refusal).toMatchObject({ status: 401, code: 'token-missing' })
  })

  test.skipIf(!hasOffice)(
    `three calls: with the token in its header the third gives the PDF${hasOffice ? '' : ' (skipped: no LibreOffice)'}`,
    async () => {
      await using reader = await startReader()
      const { convert, token } = await makeTwoCalls(reader)

      const answer = await call(reader, `${convert} -H "Authorization: Bearer ${token}"`)

      expect(answer).toEqual({ status: 200, json: {} })
      expect(await pdfText(await readFile(join(reader.folder, 'report.pdf')))).toContain(REPORT_TEXT)
    },
  )
})

test.skipIf(python.isMissing)(`in Python: a key, a token, the list${python.note}`, async () => {
  const seen =
    'import json; print(json.dumps([key_res.status_code, auth_res.status_code, key_res.json(), auth_res.json(), docs]))'
  await expectThreeSteps('authenticate.py', python.path, seen)
})

test('in JavaScript: a key, a token, the list', async () => {
  const seen =
    'console.log(JSON.stringify([keyRes.status, authRes.status, { apiKey, secret }, { token }, docs]))'
  await expectThreeSteps('authenticate.mjs', process.execPath, seen)
})

/** @param seen the line at the end of the sample that prints statuses, key, token and list */
async function expectThreeSteps(name: string, program: string, seen: string): Promise<void> {
  await using reader = await startReader()
  const text = fill(await readSample(name), { [BASE_URL]: reader.url })
  await writeFile(join(reader.folder, name), `${text}\n${seen}\n`)

  const values: unknown[] = JSON.parse(await reader.run(program, [name]))
  const [keyStatus, authStatus, key, auth, docs] = values

  expect([keyStatus, authStatus]).toEqual([201, 200])
  expect(key).toMatchObject(KEY)
  expect(auth).toMatchObject(TOKEN)
  expect(docs).toMatchObject(NO_DOCUMENTS)
}

/** By a key as the page's long sample makes it, and the first call of its short one. */
async function makeToken(reader: Reader): Promise<string> {
  const [makeKey] = await readCalls('authenticate.sh')
  const [makeToken] = await readCalls('quickstart.sh')
  const key = await call(reader, makeKey, { [BASE_URL]: reader.url })
  const { apiKey = '', secret = '' } = key.json
  const values = { [BASE_URL]: reader.url, 'your-api-key': apiKey, 'your-secret': secret }
  const { status, json } = await call(reader, makeToken, values)
  expect([status, json]).toEqual([200, { ...TOKEN, expiresAt: expect.stringMatching(TIME) }])
  return json.token ?? ''
}

/** The first two of the three calls; `convert` is the third, with the id of the upload in it. */
async function makeTwoCalls(reader: Reader) {
  const token = await makeToken(reader)
  const [create, upload, convert = ''] = await readCalls('three-calls.sh')
  // The page prints the base URL of this sample as three dots.
  const values = { '...': reader.url, '<token>': token }
  const made = await call(reader, create, values)
  const uploaded = await call(reader, upload, values)
  const { id = '' } = uploaded.json
  return { made, uploaded, convert: fill(convert, { '...': reader.url, '{id}': id }), token }
}
