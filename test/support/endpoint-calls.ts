import { randomUUID } from 'node:crypto'
import { ADMINISTRATION_CALLS } from './endpoint-calls-administration.ts'
import { SHARING_CALLS } from './endpoint-calls-sharing.ts'
import {
  ADMINISTRATOR,
  DOCUMENT_ID,
  type EndpointCall,
  type Fields,
  FLAG,
  FOLDERS,
  id,
  list,
  MAKE,
  NO_TIMES,
  OF_DOCUMENT,
  of,
  optional,
  PAGE,
  PLACE,
  PLACE_QUERY,
  READ,
  required,
  TITLE,
  text,
  USER_ID,
  type World,
  WRITE,
} from './endpoint-fields.ts'
import { makeDocx } from './files.ts'

const NO_PERMISSIONS = [[], ['documents:own'], 'documents:read', list(4, 'documents:read')]
const NO_ANCESTORS = ['https://a.example', ['javascript:x'], [1], list(51, '*')]
const NO_DAYS = [...NO_TIMES, '2026-02-30', '2026-01-15T25:00:00Z']
const OF_VERSION = { params: { ...OF_DOCUMENT.params, versionId: id('versionId') } }
const OF_KEY = { params: { id: id('keyId') } }
const OF_WEBHOOK = { params: { id: id('webhookId') } }
const OF_SUBMISSION = { params: { ...OF_DOCUMENT.params, submissionId: id('submissionId') } }

const LIST: Fields = {
  type: optional('docs', 'pdf', ''),
  search: optional('report', text(501)),
  sortBy: optional('title', 'secret_hash', '', '__proto__', 'constructor'),
  sortDescending: FLAG,
  skip: optional('0', '-1', '1e12', '1.5', 'x'),
  take: optional('10', '-1', 'x', '1.5', 'Infinity'),
  cursor: optional(undefined, '', 'nonsense', text(4001)),
  ...PLACE_QUERY,
  recursive: FLAG,
}
const CHANGES: EndpointCall = {
  ...WRITE,
  ...OF_DOCUMENT,
  query: { force: FLAG },
  body: { ...PLACE, title: optional(...TITLE), jsonContent: optional('{"any":"thing"}', {}, 1, null) },
}
const FROM_TEMPLATE: Fields = { ...PLACE, title: optional(...TITLE) }
const VALIDITY: EndpointCall = { aliases: ['/auth/verify', '/auth/me'], needs: 'token', status: 200 }

/** How each operation is called, by method and documented path under `/api`. */
export const CALLS: Record<string, EndpointCall> = {
  'POST /auth/token': {
    needs: 'nothing',
    status: 200,
    body: {
      apiKey: required(of('apiKey'), 1, null, '', text(201)),
      secret: required(of('secret'), 1, null, '', text(201)),
    },
  },
  'GET /auth/validate': VALIDITY,
  'POST /auth/validate': VALIDITY,
  'POST /auth/api-keys': {
    needs: 'administrator',
    status: 201,
    body: {
      name: required('Key', 1, null, '', text(201)),
      permissions: required(['documents:read'], ...NO_PERMISSIONS),
      workspaceId: { ...optional(of('workspaceId'), 'default', 1, ''), absent: 404 },
      expiresAt: optional('2099-01-15T10:30:00Z', 1, '2026-01-15', ...NO_TIMES),
      frameAncestors: optional(['https://*.example.com'], ...NO_ANCESTORS),
    },
  },
  'GET /auth/api-keys': ADMINISTRATOR,
  'PATCH /auth/api-keys/:id': {
    ...ADMINISTRATOR,
    ...OF_KEY,
    body: {
      name: optional('New name', 1, null, '', text(201)),
      frameAncestors: optional(['https://*.example.com'], ...NO_ANCESTORS),
    },
  },
  'DELETE /auth/api-keys/:id': { ...ADMINISTRATOR, ...OF_KEY, status: 204 },
  'POST /auth/api-keys/:id/rotate': { ...ADMINISTRATOR, ...OF_KEY },

  'GET /documents': { ...READ, query: LIST },
  'GET /documents/trash': { ...READ, query: LIST },
  'POST /documents': {
    ...MAKE,
    body: {
      ...PLACE,
      title: required(...TITLE),
      type: required('Sheet', 1, null, '', 'Pdf', '__proto__'),
      format: required('XLSX', 1, null, text(21)),
    },
  },
  'POST /documents/upload': { ...MAKE, isUpload: true, query: PLACE_QUERY },
  'PUT /documents/:documentId/content': { ...MAKE, ...OF_DOCUMENT, isUpload: true, query: { force: FLAG } },
  'GET /documents/:documentId': { ...READ, ...OF_DOCUMENT },
  'PUT /documents/:documentId': CHANGES,
  'PATCH /documents/:documentId': CHANGES,
  'DELETE /documents/:documentId': { ...WRITE, ...OF_DOCUMENT, status: 204 },
  'POST /documents/:documentId/undelete': { ...WRITE, params: { documentId: id('trashedId') } },
  'POST /documents/:documentId/copy': {
    ...MAKE,
    ...OF_DOCUMENT,
    body: { ...PLACE, title: optional(...TITLE) },
  },
  'POST /documents/:documentId/convert': {
    ...READ,
    ...OF_DOCUMENT,
    // The format that it has already: no engine is needed.
    body: { targetFormat: required('DOCX', 1, null, '', ' ', text(21)) },
  },
  'GET /documents/:documentId/download': {
    ...READ,
    ...OF_DOCUMENT,
    query: { format: optional('docx', '', ' ', text(21)) },
  },
  'GET /documents/:documentId/thumbnail': { ...READ, ...OF_DOCUMENT },
  'GET /documents/:documentId/versions': { ...READ, ...OF_DOCUMENT },
  'PATCH /documents/:documentId/versions/:versionId': {
    ...WRITE,
    ...OF_VERSION,
    body: { label: required('Signed', 1, '', text(201)) },
  },
  'GET /documents/:documentId/versions/:versionId/download': { ...READ, ...OF_VERSION },
  'POST /documents/:documentId/versions/:versionId/restore': { ...WRITE, ...OF_VERSION },
  'POST /documents/:documentId/save': {
    ...WRITE,
    ...OF_DOCUMENT,
    query: { wait: optional('5', '0', '61', '-1', 'x', '') },
  },

  'GET /templates': {
    needs: 'token',
    status: 200,
    query: { type: optional('slide', 'pdf', ''), category: optional('Business', text(51)) },
  },
  'POST /templates/create': {
    ...MAKE,
    aliases: ['/documents/from-template'],
    body: { ...FROM_TEMPLATE, templateId: { ...required('doc-report', 1, '', text(101)), absent: 404 } },
  },
  'POST /templates/:templateId/create': {
    ...MAKE,
    params: { templateId: { ...required('doc-report', text(101)), absent: 404 } },
    body: FROM_TEMPLATE,
  },

  'GET /documents/:documentId/submissions': { ...READ, ...OF_DOCUMENT, query: PAGE },
  'GET /documents/:documentId/submissions/:submissionId': { ...READ, ...OF_SUBMISSION },
  'GET /documents/:documentId/submissions/:submissionId/download': { ...READ, ...OF_SUBMISSION },

  'GET /folders': { ...READ, query: { parent: optional(...FOLDERS) } },
  'POST /folders/move': {
    ...WRITE,
    body: {
      from: required('/from', 1, '/a/../b', text(2001)),
      to: required(...FOLDERS, 1, '/from', '/from/in'),
    },
  },

  'POST /collaboration/join': {
    needs: 'collaboration:join',
    status: 200,
    body: { documentId: DOCUMENT_ID, userId: USER_ID, userName: required('Ann', 1, '', text(101)) },
  },
  'POST /collaboration/leave': {
    needs: 'collaboration:join',
    status: 204,
    body: { documentId: DOCUMENT_ID, userId: USER_ID },
  },
  'GET /collaboration/:documentId': {
    ...READ,
    ...OF_DOCUMENT,
    aliases: ['status', 'sessions', 'users'].map((name) => `/collaboration/:documentId/${name}`),
  },

  ...SHARING_CALLS,
  ...ADMINISTRATION_CALLS,

  'POST /webhooks': {
    needs: 'documents:read',
    status: 201,
    body: {
      url: required('https://example.com/hook', 1, '', 'x', 'ftp://a.example', 'http://u:p@a.example'),
      events: required(['document.saved'], [], ['document.eaten'], 'document.saved', list(50, 'ping')),
      apiKeyId: { ...optional(of('clientId'), 1, null, text(101)), absent: 403 },
    },
  },
  'GET /webhooks': READ,
  'GET /webhooks/alert': ADMINISTRATOR,
  'GET /webhooks/:id': { ...READ, ...OF_WEBHOOK },
  'DELETE /webhooks/:id': { ...READ, ...OF_WEBHOOK, status: 204 },
  'GET /webhooks/:id/deliveries': { ...READ, ...OF_WEBHOOK },
  'POST /webhooks/:id/test': { ...READ, ...OF_WEBHOOK },
  'POST /webhooks/:id/deliveries/:deliveryId/retry': {
    ...READ,
    params: { ...OF_WEBHOOK.params, deliveryId: id('deliveryId') },
  },

  'GET /activity': {
    ...READ,
    query: {
      from: optional('2026-01-15', ...NO_DAYS),
      to: optional('2099-01-15T10:30:00+01:00', ...NO_DAYS),
      workspaceId: { ...optional(of('workspaceId'), text(101)), absent: 404 },
      documentId: { ...optional(of('documentId'), text(101)), absent: 200 },
      action: optional('restored', 'eaten', '', '__proto__'),
      take: optional('1', '0', '1001', 'x', '1.5'),
      cursor: optional(undefined, text(101)),
    },
  },
  'GET /activity/export': {
    ...READ,
    query: { from: optional('2026-01-15', ...NO_DAYS), to: optional('2099-01-15', ...NO_DAYS) },
  },
}

/** Each operation under each of its paths. */
export const PATHS = Object.entries(CALLS).flatMap(([name, call]) => {
  const [method = '', documented = ''] = name.split(' ')
  return [documented, ...(call.aliases ?? [])].map((path) => ({ name, method, path, call }))
})
export type Path = (typeof PATHS)[number]

export type Given = Record<'params' | 'query' | 'body', Record<string, unknown>>

/** A right call: with every field, or with those alone that must be there. */
export function goodValues(call: EndpointCall, world: World, { isLeast = false } = {}): Given {
  const valuesOf = (fields: Fields = {}) =>
    Object.fromEntries(
      Object.entries(fields)
        .filter(([, { isRequired }]) => isRequired || !isLeast)
        .map(([name, { good }]) => [name, good(world)])
        .filter(([, value]) => value !== undefined),
    )
  return { params: valuesOf(call.params), query: valuesOf(call.query), body: valuesOf(call.body) }
}

/** The request of a path with these values. */
export function requestOf(
  { method, path, call }: Path,
  { params, query, body }: Given,
): { path: string; init: RequestInit } {
  const filled = path.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(String(params[name])))
  const search = new URLSearchParams(Object.entries(query).flatMap(([name, value]) => queryOf(name, value)))
  const form = new FormData()
  form.append('file', new Blob([new Uint8Array(makeDocx(['Sent']))]), 'sent.docx')
  return {
    path: `/api${filled}${search.size === 0 ? '' : `?${search}`}`,
    init: {
      method,
      ...(call.isUpload ? { body: form } : {}),
      ...(call.body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    },
  }
}

/** Lists are given one by one, and small values as `name[key]=value`. */
function queryOf(name: string, value: unknown): [string, string][] {
  if (Array.isArray(value)) return value.map((one) => [name, String(one)])
  if (typeof value !== 'object' || value === null) return [[name, String(value)]]
  return Object.entries(value).map(([key, one]) => [`${name}[${key}]`, String(one)])
}

/** Names nothing that is there. */
export function imaginaryWorld(): World {
  return {
    documentId: randomUUID(),
    versionId: randomUUID(),
    trashedId: randomUUID(),
    webhookId: randomUUID(),
    fileUrl: 'http://127.0.0.1:9/report.docx',
    linkedId: randomUUID(),
    linkId: randomUUID(),
    deliveryId: randomUUID(),
    embedToken: randomUUID(),
    submissionId: randomUUID(),
    personId: randomUUID(),
    sessionKey: randomUUID(),
    forgottenKey: randomUUID(),
    workspaceId: randomUUID(),
    clientId: randomUUID(),
    keyId: randomUUID(),
    apiKey: randomUUID(),
    secret: randomUUID(),
  }
}
