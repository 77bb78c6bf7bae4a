import { afterAll, describe, expect, test } from 'vitest'
import { blankPdf } from '../../src/core/blank/pdf.ts'
import { got, listening } from '../webhooks/listening.ts'
import { ask, embedTokenOf, pageTokenOf } from './asked.ts'
import { guestTokenOf, putPeople } from './guest.ts'
import { bearerWith, countedFile } from './support.ts'

const on = await listening(['document.form_submitted'], { env: { DOWNLOAD_RETRY_S: '0' } })
afterAll(() => on[Symbol.asyncDispose]())
const { both, receiver } = on
const { app, docServer } = both

const FIELDS = [{ key: 'Name', type: 'text', value: 'Ann' }]
const json = (value: unknown) => Buffer.from(JSON.stringify(value))

async function openedForm() {
  const id = await app.upload('form.pdf', blankPdf('Form'))
  return { id, key: (await app.config(id)).document.key }
}

/** As Document Server tells of a form that was handed in. */
async function submit(key: string, fields: Record<string, unknown> = {}, pdf = blankPdf('Filled')) {
  const callback = {
    key,
    status: 6,
    forcesavetype: 3,
    filetype: 'pdf',
    users: ['ann'],
    actions: [{ type: 2, userid: 'ann' }],
    lastsave: '2026-11-21T08:00:01.000Z',
    url: docServer.fileUrl(pdf, 'output.pdf'),
    formsdataurl: docServer.fileUrl(json(FIELDS), 'data.json'),
    ...fields,
  }
  const callbackUrl = `${app.url}/api/onlyoffice/callback`
  return (await docServer.sendCallback(key, callback, { callbackUrl })).status
}

const forms = async (id: string) => (await ask(app, id, 'forms')).answer
const submission = async (id: string, submissionId: string) =>
  (await app.fetch(`/api/documents/${id}/submissions/${submissionId}`)).json()
const eventsOf = async (id: string) =>
  (await got(both, receiver)).filter(({ documentId }) => documentId === id)

describe('a form that is handed in', () => {
  test('is stored as a version and as a submission with its data, and told of', async () => {
    await putPeople(app, { ann: { name: 'Ann Smith' } })
    const { id, key } = await openedForm()
    const pdf = blankPdf('Filled in')

    expect(await submit(key, {}, pdf)).toBe(200)

    expect(await app.versions(id)).toMatchObject([{ versionNumber: 2, kind: 'cut' }, { versionNumber: 1 }])
    const listed = await forms(id)
    expect(listed).toEqual({
      forms: [
        {
          id: expect.any(String),
          user: { id: 'ann', name: 'Ann Smith' },
          size: pdf.length,
          fileType: 'pdf',
          hasData: true,
          createdAt: expect.any(String),
        },
      ],
      totalCount: 1,
    })
    const submissionId = listed.forms[0].id
    expect(await submission(id, submissionId)).toMatchObject({ hasData: true, data: FIELDS })
    const file = await app.fetch(`/api/documents/${id}/submissions/${submissionId}/download`)
    expect(Buffer.from(await file.arrayBuffer())).toEqual(pdf)
    expect(await eventsOf(id)).toMatchObject([
      {
        type: 'document.form_submitted',
        submissionId,
        versionNumber: 2,
        hasData: true,
        actor: { id: 'ann', name: 'Ann Smith' },
      },
    ])
  })

  test('is one submission when its callback comes again, even at the same time', async () => {
    const { id, key } = await openedForm()
    const pdf = blankPdf('Twice')
    expect(await Promise.all([1, 2, 3].map(() => submit(key, {}, pdf)))).toEqual([200, 200, 200])
    expect(await submit(key, {}, pdf)).toBe(200)
    expect((await forms(id)).totalCount).toBe(1)
    expect(await eventsOf(id)).toHaveLength(1)
    expect(await submit(key, { lastsave: undefined }, pdf)).toBe(200)
    expect(await submit(key, { lastsave: undefined }, pdf)).toBe(200)
    expect((await forms(id)).totalCount).toBe(2)
  })

  test('counts although a save brought the same bytes just before', async () => {
    const { id, key } = await openedForm()
    const pdf = blankPdf('Saved before')
    await submit(key, { forcesavetype: 1, formsdataurl: undefined }, pdf)
    expect((await forms(id)).totalCount).toBe(0)
    expect(await submit(key, {}, pdf)).toBe(200)
    expect((await forms(id)).totalCount).toBe(1)
    expect(await eventsOf(id)).toMatchObject([{ versionNumber: 2 }])
  })

  test('is another one by another user, or after another change', async () => {
    const { id, key } = await openedForm()
    const pdf = blankPdf('Equal')
    await submit(key, {}, pdf)
    await submit(key, { actions: [{ type: 2, userid: 'bob' }] }, pdf)
    await submit(key, { lastsave: '2026-11-21T08:00:02.000Z' }, pdf)
    const listed = await forms(id)
    expect(listed.forms.map(({ user }: { user: { id: string } }) => user.id)).toEqual(['ann', 'bob', 'ann'])
  })

  test.each([
    ['is no JSON', () => docServer.fileUrl(Buffer.from('<html>'), 'data.json')],
    ['is a mere number', () => docServer.fileUrl(json(7), 'data.json')],
    ['is null', () => docServer.fileUrl(json(null), 'data.json')],
    ['is larger than 10 MiB', () => docServer.fileUrl(Buffer.alloc(10 * 1024 ** 2 + 1, '1'), 'data.json')],
    ['is gone', () => `${docServer.url}/cache/files/data/none/data.json/data.json?md5=x&expires=1`],
    ['lies elsewhere', () => `${app.url}/api/openapi.json`],
    ['has no address', () => undefined],
    ['has an address that is none', () => ({ key: 'Name' })],
  ])('is kept without its data when that %s', async (_what, dataUrl) => {
    const { id, key } = await openedForm()
    expect(await submit(key, { formsdataurl: dataUrl() })).toBe(200)
    const { forms: listed } = await forms(id)
    expect(listed).toMatchObject([{ hasData: false }])
    expect(await submission(id, listed[0].id)).toMatchObject({ hasData: false, data: null })
    expect(await eventsOf(id)).toMatchObject([{ hasData: false, versionNumber: 2 }])
  })

  test('is refused for a later try when its PDF is not safe, and nothing of it is kept', async () => {
    const { id, key } = await openedForm()
    expect(await submit(key, { url: docServer.fileUrl(Buffer.from('no pdf'), 'output.pdf') })).toBe(503)
    expect((await forms(id)).totalCount).toBe(0)
    expect(await submit(key)).toBe(200)
    expect((await forms(id)).totalCount).toBe(1)
  })

  test('is asked for its data only when it was handed in', async () => {
    const { id, key } = await openedForm()
    const data = countedFile(docServer, json(FIELDS), 'data.json')
    for (const fields of [{ forcesavetype: 0 }, { forcesavetype: 1 }, { status: 7 }, { status: 2 }]) {
      await submit(key, { ...fields, formsdataurl: data.url })
    }
    expect(data.fetched).toBe(0)
    expect((await forms(id)).totalCount).toBe(0)
  })

  test('of an earlier session is a submission, too', async () => {
    const { id, key } = await openedForm()
    await submit(key, { status: 2, forcesavetype: undefined }, blankPdf('Final'))
    expect(await submit(key, {}, blankPdf('Late'))).toBe(200)
    expect((await forms(id)).totalCount).toBe(1)
    expect((await app.versions(id))[0]).toMatchObject({ kind: 'conflict' })
  })
})

test('a form is given out with its roles, and those who gave it out see how many came back', async () => {
  const { id, key } = await openedForm()
  const before = await ask(app, id, 'filling-status', {})
  expect(before.answer).toEqual({
    started: false,
    startedAt: null,
    roles: [],
    submissions: 0,
    ownSubmissions: 0,
  })
  const roles = [{ name: 'Tenant', color: '#FF0000' }, { name: 'Landlord' }]
  const as = await pageTokenOf(app, id)
  expect((await ask(app, id, 'start-filling', { roles }, { as })).answer).toEqual({ started: true })
  await submit(key)

  const { answer } = await ask(app, id, 'filling-status', { role: 'Tenant' })
  expect(answer).toMatchObject({ started: true, role: 'Tenant', roles, submissions: 1, ownSubmissions: 0 })
  const guest = await guestTokenOf(app, id, ['view', 'fillForms'])
  const told = (await ask(app, id, 'filling-status', {}, { as: guest })).answer
  expect(told).toMatchObject({ started: true, roles, ownSubmissions: 0 })
  expect(told).not.toHaveProperty('submissions')
  const activity = await (await app.fetch(`/api/activity?documentId=${id}&action=filling-started`)).json()
  expect(activity).toMatchObject({ activity: [{ detail: { roles: ['Tenant', 'Landlord'] } }] })
})

test.each([
  { roles: 'Tenant' },
  { roles: [{}] },
  { roles: [{ name: '' }] },
  { roles: [{ name: 'x', color: 'url(x)' }] },
  { roles: Array.from({ length: 51 }, () => ({ name: 'x' })) },
])('roles that are none are refused %#', async (body) => {
  const { id } = await openedForm()
  expect((await ask(app, id, 'start-filling', body)).status).toBe(400)
})

test('what is no form is not given out', async () => {
  const { status, answer } = await ask(app, both.id, 'start-filling', {})
  expect([status, answer.error]).toEqual([400, 'EXTENSION_UNSUPPORTED'])
})

test('only those who may edit the form give it out and see what was handed in', async () => {
  const { id } = await openedForm()
  const other = await openedForm()
  const askAs = async (as: string | null) => [
    (await ask(app, id, 'forms', undefined, { as })).status,
    (await ask(app, id, 'start-filling', {}, { as })).status,
    (await ask(app, id, 'filling-status', { role: '' }, { as })).status,
  ]
  expect(await askAs(await bearerWith(app, ['documents:read']))).toEqual([403, 403, 400])
  expect(await askAs(await guestTokenOf(app, id, ['view', 'fillForms']))).toEqual([403, 403, 400])
  expect(await askAs(await embedTokenOf(app, id))).toEqual([200, 200, 400])
  expect(await askAs(await embedTokenOf(app, other.id))).toEqual([401, 401, 401])
  expect(await askAs(await pageTokenOf(app, other.id))).toEqual([401, 401, 401])
  expect(await askAs(null)).toEqual([401, 401, 401])
  expect((await ask(app, id, 'forms?take=0')).status).toBe(400)
})
