import {
  DOCUMENT_ID,
  type EndpointCall,
  FOLDERS,
  id,
  list,
  MAKE,
  NO_TIMES,
  OF_DOCUMENT,
  of,
  optional,
  PAGE,
  READ,
  required,
  text,
  type Values,
  WORKSPACE,
  type World,
  WRITE,
} from './endpoint-fields.ts'

const NO_ADDRESSES = [1, null, '', 'x', 'ftp://a.example', 'http://u:p@a.example', 'https://a.example/#a']
const OF_LINKED = { params: { documentId: id('linkedId') } }
const PERSON_ID = required(of('personId'), text(129))
const USER: Values = [
  { id: 'ann', name: 'Ann', group: 'Editors' },
  'ann',
  { id: 'ann' },
  { id: '', name: 'A' },
  { id: text(129), name: 'A' },
  { name: 'A' },
  { id: 'ann', name: 'Ann', email: 'ann@example.com' },
]
const NO_GRANTS = [[], ['own'], 'view', list(11, 'view')]
const NAMED = { title: text(300), url: 'https://example.com/' }
const OPTIONS: Values = [
  { watermark: '{user}', groups: { review: ['Editors'] }, customization: { compactToolbar: true } },
  'x',
  { other: 1 },
  { watermark: '' },
  { groups: { review: 'Editors' } },
  { customization: { logo: { image: 'javascript:x' } } },
  { customization: { recent: list(31, NAMED) } },
]

/** People, and what lets them in to documents: embeds, links, files of other programs. */
export const SHARING_CALLS: Record<string, EndpointCall> = {
  'GET /users': { ...READ, query: { ...WORKSPACE, ...PAGE, search: optional('person', text(201)) } },
  'PUT /users/:id': {
    ...WRITE,
    params: { id: PERSON_ID },
    query: WORKSPACE,
    body: {
      name: required('Person', 1, null, '', text(101)),
      email: optional('ann@example.com', 1, '', 'ann'),
      image: optional('https://example.com/a.png', 1, '', 'http://example.com/a.png'),
      groups: optional(['Editors'], 'Editors', [''], list(51, 'Editors')),
    },
  },
  'DELETE /users/:id': {
    ...WRITE,
    params: { id: { ...PERSON_ID, absent: 404 } },
    query: WORKSPACE,
    status: 204,
  },

  'POST /embed': {
    ...READ,
    aliases: ['/embed/config', '/embed/token'],
    body: {
      documentId: DOCUMENT_ID,
      permissions: required(['view'], [], ['own'], 'view', list(4, 'view')),
      user: optional(...USER),
      // They travel in an address.
      options: optional(...OPTIONS, { customization: { recent: list(10, NAMED) } }),
      expiresIn: optional(60, 0, -1, 86_401, 1.5, '60'),
    },
  },
  'POST /embed/revoke': {
    ...READ,
    status: 204,
    body: { token: { ...required(of('embedToken'), 1, null, '', text(4001)), absent: 404 } },
  },

  'POST /documents/:documentId/links': {
    ...MAKE,
    ...OF_DOCUMENT,
    body: {
      grants: required(['view', 'comment'], ...NO_GRANTS),
      user: optional(...USER),
      options: optional(...OPTIONS),
      expiresAt: optional('2099-01-15T10:30:00+01:00', 1, '2026-01-15', ...NO_TIMES),
    },
  },
  'GET /documents/:documentId/links': { ...WRITE, ...OF_DOCUMENT },
  'DELETE /documents/:documentId/links/:linkId': {
    ...WRITE,
    params: { ...OF_DOCUMENT.params, linkId: id('linkId') },
    status: 204,
  },

  'POST /links': {
    ...MAKE,
    body: {
      url: required(of('fileUrl'), ...NO_ADDRESSES),
      name: required('report.docx', 1, null, '', text(501)),
      key: required('given-1', 1, null, '', text(201)),
      etag: optional('"1"', 1, '', text(201)),
      writeBack: optional(
        (world: World) => ({ url: world.fileUrl, method: 'PUT' }),
        'x',
        { url: 'x', method: 'PUT' },
        { url: 'https://a.example/', method: 'POST' },
        { method: 'PUT' },
      ),
      user: required(...USER),
      grants: optional(['view', 'edit'], ...NO_GRANTS),
      options: optional(...OPTIONS),
      expiresAt: optional('2099-01-15T10:30:00Z', 1, '2026-01-15', ...NO_TIMES),
      folder: optional(...FOLDERS, 1),
    },
  },
  'GET /links': {
    needs: 'documents:write',
    status: 200,
    query: {
      state: optional('current', 'eaten', '', '__proto__'),
      skip: optional('0', '-1', '1e12', '1.5', 'x'),
      take: optional('10', '0', '1001', '-1', 'x', '1.5'),
    },
  },
  'GET /links/secret': WRITE,
  'POST /links/:documentId/retry': { ...WRITE, ...OF_LINKED },
  'DELETE /links/:documentId': { ...WRITE, ...OF_LINKED, status: 204 },
}
