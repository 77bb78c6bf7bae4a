import jwt from 'jsonwebtoken'
import { expect, test } from 'vitest'
import { type SignedPayloads, signedFor } from '../../src/docserver/methods.ts'
import { createDocServerTokens } from '../../src/docserver/tokens.ts'

const SECRET = 'methods-secret-0123456789abcdef0123456789'
const tokens = createDocServerTokens({ secret: SECRET }, () => new Date())

const OPENING = {
  document: {
    key: 'Khirz6zTPdfd7',
    permissions: {
      comment: true,
      commentGroups: { edit: ['Group2', ''], remove: [''], view: '' },
      copy: true,
      deleteCommentAuthorOnly: false,
      download: true,
      edit: true,
      editCommentAuthorOnly: false,
      fillForms: true,
      modifyContentControl: true,
      modifyFilter: true,
      print: true,
      review: true,
      reviewGroups: ['Group1', 'Group2', ''],
    },
    url: 'https://example.com/url-to-example-document.docx',
  },
  editorConfig: { callbackUrl: 'https://example.com/url-to-callback.ashx', mode: 'edit' },
}

const REFERENCE = {
  fileType: 'xlsx',
  path: 'sample.xlsx',
  referenceData: { fileKey: 'BCFA2CED', instanceId: 'https://example.com', key: 'Khirz6zTPdfd7' },
  url: 'https://example.com/url-to-example-document.xlsx',
}

/** As printed. Source: ONLYOFFICE Docs API, Security, Signature, Browser. */
const PRINTED: SignedPayloads = {
  opening: OPENING,
  insertImage: {
    c: 'add',
    images: [{ fileType: 'png', url: 'https://example.com/url-to-example-image.png' }],
  },
  refreshFile: OPENING,
  setHistoryData: {
    changesUrl: 'https://example.com/url-to-changes.zip',
    key: 'Khirz6zTPdfd7',
    previous: {
      key: 'af86C7e71Ca8',
      url: 'https://example.com/url-to-the-previous-version-of-the-document.docx',
    },
    url: 'https://example.com/url-to-example-document.docx',
    version: 2,
  },
  setMailMergeRecipients: { fileType: 'xlsx', url: 'https://example.com/url-to-example-recipients.xlsx' },
  setReferenceData: REFERENCE,
  setReferenceSource: REFERENCE,
  setRequestedDocument: {
    c: 'compare',
    fileType: 'docx',
    url: 'https://example.com/url-to-example-document.docx',
  },
  setRequestedSpreadsheet: {
    c: 'mailmerge',
    fileType: 'xlsx',
    url: 'https://example.com/url-to-example-recipients.xlsx',
  },
  setRevisedFile: { fileType: 'docx', url: 'https://example.com/url-to-example-document.docx' },
}

test.each(Object.keys(PRINTED) as (keyof SignedPayloads)[])(
  '%s: what is signed is what is passed',
  (method) => {
    const { token, ...passed } = signedFor(tokens, method, PRINTED[method])
    const { iat, exp, ...signed } = jwt.verify(token, SECRET) as jwt.JwtPayload
    expect(passed).toEqual(PRINTED[method])
    expect(signed).toEqual(PRINTED[method])
    expect(jwt.decode(token, { complete: true })?.header).toEqual({ alg: 'HS256', typ: 'JWT' })
    expect([typeof iat, exp]).toEqual(['number', undefined])
  },
)

test('a token ends when it is told to', () => {
  const { token } = signedFor(tokens, 'setRevisedFile', PRINTED.setRevisedFile, 60)
  const { iat, exp } = jwt.verify(token, SECRET) as jwt.JwtPayload
  expect((exp ?? 0) - (iat ?? 0)).toBe(60)
})
