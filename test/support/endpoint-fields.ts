import type { Permission } from '../../src/core/callers.ts'

/** What the calls are about; each belongs to one workspace. */
export type World = Record<
  | 'documentId'
  /** The first of its two versions. */
  | 'versionId'
  | 'trashedId'
  | 'webhookId'
  | 'deliveryId'
  | 'embedToken'
  | 'submissionId'
  | 'personId'
  /** A file of another program, and the document that is linked to it. */
  | 'fileUrl'
  | 'linkedId'
  /** Of a document's own. */
  | 'linkId'
  /** Of a session that nobody is in, and of a forgotten file at Document Server. */
  | 'sessionKey'
  | 'forgottenKey'
  | 'workspaceId'
  /** Of the caller's API key. */
  | 'clientId'
  /** Of another API key, with its name and secret. */
  | 'keyId'
  | 'apiKey'
  | 'secret',
  string
>

export type Field = {
  /** Undefined: left out of a right call. */
  good: (world: World) => unknown
  /** Each is answered 400 and named in `errors`. */
  bad: unknown[]
  isRequired: boolean
  /** For what names something: the status for an unknown one, and for one of another workspace. */
  absent?: 200 | 403 | 404
}
export type Fields = Record<string, Field>

export type EndpointCall = {
  /** The other paths under which it is served. */
  aliases?: string[]
  needs: 'nothing' | 'token' | 'administrator' | Permission
  params?: Fields
  query?: Fields
  body?: Fields
  isUpload?: true
  status: 200 | 201 | 204
}

/** A good value, or how to find it, then bad ones. */
export type Values = [unknown, ...unknown[]]

export const text = (length: number) => 'x'.repeat(length)
export const list = (length: number, value: unknown) => Array.from({ length }, () => value)
const isFinder = (value: unknown): value is (world: World) => unknown => typeof value === 'function'
const field = (isRequired: boolean, [good, ...bad]: Values): Field => ({
  good: isFinder(good) ? good : () => good,
  bad,
  isRequired,
})
export const required = (...values: Values) => field(true, values)
export const optional = (...values: Values) => field(false, values)
export const of = (name: keyof World) => (world: World) => world[name]
export const id = (name: keyof World): Field => ({ ...required(of(name), text(101)), absent: 404 })

export const TITLE: Values = ['Given title', 1, null, '', text(501)]
export const FOLDERS: Values = ['/given', '/a/../b', '/a\tb', `/${text(256)}`, text(2001)]
const SMALL = { color: 'red', pages: 3, isFinal: true }
const MANY = Object.fromEntries(Array.from({ length: 51 }, (_, n) => [`n${n}`, n]))
const NO_METADATA = [{ a: {} }, { a: null }, { a: text(1001) }, { [text(101)]: 1 }, { '': 1 }, MANY]
export const PLACE: Fields = {
  folder: optional(...FOLDERS, 1),
  externalId: optional('given-1', 1, '', text(201)),
  metadata: optional(SMALL, 'x', [], ...NO_METADATA),
}
export const PLACE_QUERY: Fields = {
  folder: optional(...FOLDERS),
  externalId: optional('given-1', '', text(201)),
  metadata: optional({ color: 'red' }, { color: text(1001) }, { [text(101)]: 'a' }),
}
export const FLAG = optional('true', 'maybe', '', '2')
export const NO_TIMES = [
  '2026-13-45T00:00:00Z',
  '10000-01-01T00:00:00Z',
  '+010000-01-01T00:00:00Z',
  'soon',
  '',
]

export const OF_DOCUMENT = { params: { documentId: id('documentId') } }
export const DOCUMENT_ID: Field = { ...required(of('documentId'), 1, null, text(101)), absent: 404 }
export const USER_ID = required('ann', 1, '', text(129))
export const WORKSPACE = { workspaceId: { ...optional(of('workspaceId'), text(101)), absent: 404 as const } }
export const PAGE = { skip: optional('0', '-1', 'x', '1.5'), take: optional('10', '0', '101', 'x') }

export const READ = { needs: 'documents:read', status: 200 } as const
export const WRITE = { needs: 'documents:write', status: 200 } as const
export const MAKE = { needs: 'documents:write', status: 201 } as const
export const ADMINISTRATOR = { needs: 'administrator', status: 200 } as const
