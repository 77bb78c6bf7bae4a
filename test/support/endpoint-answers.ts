import { expect } from 'vitest'
import type { World } from './endpoint-fields.ts'
import { makeDocx } from './files.ts'

/** The file of the document in each world. */
export const DOCX = makeDocx(['One'])
const DOCUMENT = {
  title: 'Given title',
  folder: '/given',
  metadata: { color: 'red', pages: 3, isFinal: true },
}
const PLACED = { ...DOCUMENT, externalId: 'given-1' }
const secret = expect.stringMatching(/^nuto_sk_/)
const valid = ({ clientId }: World) => ({ clientId, isValid: true, expiresAt: expect.stringMatching(/Z$/) })

/** What a right call with every field gives, beside its documented shape. */
export const GIVES: Record<string, (world: World) => object> = {
  'POST /auth/token': () => ({ token: expect.any(String) }),
  'GET /auth/validate': valid,
  'POST /auth/validate': valid,
  'POST /auth/api-keys': ({ workspaceId }) => ({
    name: 'Key',
    permissions: ['documents:read'],
    workspaceId,
    secret,
  }),
  'GET /auth/api-keys': ({ keyId }) => ({
    apiKeys: expect.arrayContaining([expect.objectContaining({ id: keyId })]),
  }),
  'PATCH /auth/api-keys/:id': ({ keyId }) => ({
    id: keyId,
    name: 'New name',
    frameAncestors: ['https://*.example.com'],
  }),
  'POST /auth/api-keys/:id/rotate': ({ keyId }) => ({ id: keyId, secret }),
  'GET /documents': () => ({ documents: [], totalCount: 0, skip: 0, take: 10 }),
  'GET /documents/trash': () => ({ documents: [], totalCount: 0, skip: 0, take: 10 }),
  'POST /documents': () => ({ ...PLACED, type: 'Sheet', format: 'XLSX' }),
  'POST /documents/upload': () => ({
    title: 'sent',
    type: 'Docs',
    format: 'DOCX',
    folder: '/given',
    externalId: 'given-1',
  }),
  'PUT /documents/:documentId/content': () => ({ versionNumber: 3, kind: 'upload', isCurrent: true }),
  'GET /documents/:documentId': ({ documentId }) => ({
    id: documentId,
    title: 'report',
    format: 'DOCX',
    jsonContent: null,
  }),
  'PUT /documents/:documentId': ({ documentId }) => ({ ...PLACED, id: documentId }),
  'PATCH /documents/:documentId': ({ documentId }) => ({ ...PLACED, id: documentId }),
  'POST /documents/:documentId/undelete': ({ trashedId }) => ({ id: trashedId, title: 'trashed' }),
  'POST /documents/:documentId/copy': () => ({ ...PLACED, format: 'DOCX', fileSize: DOCX.length }),
  'GET /documents/:documentId/versions': () => ({
    versions: [
      { versionNumber: 2, isCurrent: true },
      { versionNumber: 1, isCurrent: false },
    ],
  }),
  'PATCH /documents/:documentId/versions/:versionId': ({ versionId }) => ({
    id: versionId,
    versionNumber: 1,
    label: 'Signed',
  }),
  'POST /documents/:documentId/versions/:versionId/restore': ({ documentId }) => ({
    id: documentId,
    title: 'report',
  }),
  'POST /documents/:documentId/save': () => ({
    outcome: 'unchanged',
    version: { versionNumber: 2, isCurrent: true },
  }),
  'GET /templates': () => ({ templates: expect.any(Array) }),
  'POST /templates/create': () => ({ ...PLACED, type: 'Docs' }),
  'POST /templates/:templateId/create': () => ({ ...PLACED, type: 'Docs' }),
  'GET /documents/:documentId/submissions': ({ submissionId }) => ({
    submissions: [{ id: submissionId, submittedBy: { id: 'ann', name: 'Ann' } }],
    totalCount: 1,
  }),
  'GET /documents/:documentId/submissions/:submissionId': ({ submissionId }) => ({
    id: submissionId,
    hasData: false,
    data: null,
  }),
  'GET /users': ({ personId }) => ({ users: [{ id: personId, name: 'Person' }], totalCount: 1 }),
  'PUT /users/:id': ({ personId }) => ({
    id: personId,
    name: 'Person',
    email: 'ann@example.com',
    groups: ['Editors'],
  }),
  'GET /folders': () => ({ folders: expect.any(Array) }),
  'POST /folders/move': () => ({ moved: 0 }),
  'POST /collaboration/join': () => ({ activeUsers: [{ userId: 'ann', userName: 'Ann', source: 'api' }] }),
  'GET /collaboration/:documentId': ({ documentId }) => ({ documentId, activeUserCount: 0, activeUsers: [] }),
  'POST /embed': ({ documentId }) => ({
    permissions: ['view'],
    url: expect.stringContaining(`/embed/docs/${documentId}`),
  }),
  'POST /documents/:documentId/links': () => ({
    url: expect.stringContaining('/open/'),
    grants: ['view', 'comment'],
    user: { id: 'ann', name: 'Ann', group: 'Editors' },
    options: {
      watermark: '{user}',
      groups: { review: ['Editors'] },
      customization: { compactToolbar: true },
    },
    expiresAt: '2099-01-15T09:30:00.000Z',
    revokedAt: null,
  }),
  'GET /documents/:documentId/links': ({ linkId }) => ({
    links: expect.arrayContaining([expect.objectContaining({ id: linkId, user: null, revokedAt: null })]),
  }),
  'POST /links': () => ({ url: expect.stringContaining('/open/'), expiresAt: expect.any(String) }),
  'GET /links': ({ linkedId }) => ({
    links: expect.arrayContaining([expect.objectContaining({ documentId: linkedId, state: 'current' })]),
  }),
  'GET /links/secret': () => ({ secret: expect.stringMatching(/^whsec_/) }),
  'POST /links/:documentId/retry': ({ linkedId }) => ({ documentId: linkedId, state: 'waiting' }),
  'POST /webhooks': ({ clientId }) => ({ apiKeyId: clientId, events: ['document.saved'], state: 'active' }),
  'GET /webhooks': ({ webhookId }) => ({
    webhooks: expect.arrayContaining([expect.objectContaining({ id: webhookId })]),
  }),
  'GET /webhooks/alert': () => ({ url: null, state: 'calm', alerts: [] }),
  'GET /webhooks/:id': ({ webhookId }) => ({ id: webhookId, state: 'active' }),
  'GET /webhooks/:id/deliveries': ({ deliveryId }) => ({
    deliveries: expect.arrayContaining([expect.objectContaining({ id: deliveryId, state: 'pending' })]),
  }),
  'POST /webhooks/:id/test': () => ({ isDelivered: false, status: null }),
  'POST /webhooks/:id/deliveries/:deliveryId/retry': ({ deliveryId }) => ({ id: deliveryId, attempts: 0 }),
  'GET /activity': ({ documentId }) => ({ activity: [{ action: 'restored', documentId }] }),
}
