import { Problem } from '../errors.ts'
import { type DocumentFilter, listDocuments as listRows, type SortColumn } from '../metadata/document-list.ts'
import type { DocumentRow } from '../metadata/schema.ts'
import { type Caller, demand, workspaceOf } from './callers.ts'
import type { Deps } from './deps.ts'
import { FORMATS, type NutoType, nutoTypeOf } from './formats.ts'
import { foldedTitle } from './titles.ts'

export type ListOptions = Pick<DocumentFilter, 'externalId' | 'folder' | 'metadata'> & {
  type?: NutoType | undefined
  /** Free text: titles that hold all of its words, whatever their case and diacritics. */
  search?: string | undefined
  sortBy?: SortColumn
  isDescending?: boolean
  skip: number
  take: number
  /** `nextCursor` of the page before, in the same order; then `skip` counts from there. */
  cursor?: string | undefined
  /** The trash instead of the documents. */
  isDeleted?: boolean
}

export type DocumentPage = {
  documents: DocumentRow[]
  /** Of a search at most 1,000: the newest hits. */
  totalCount: number
  /** Undefined on the last page. */
  nextCursor: string | undefined
}

/**
 * Newest first, unless sorted otherwise.
 *
 * @throws Problem `permission-missing`; `validation-failed` for a cursor of another order
 */
export async function listDocuments(
  { database }: Pick<Deps, 'database'>,
  caller: Caller,
  options: ListOptions,
): Promise<DocumentPage> {
  demand(caller, 'documents:read')
  const { type, search, skip, take, cursor, sortBy = 'updated_at', isDescending = true } = options
  const order = `${sortBy} ${isDescending ? 'desc' : 'asc'}`
  const words = foldedTitle(search ?? '').trim()
  const filter: DocumentFilter = {
    workspaceId: workspaceOf(caller),
    isDeleted: options.isDeleted ?? false,
    fileTypes:
      type && FORMATS.filter((format) => nutoTypeOf(format) === type).map(({ extension }) => extension),
    search: words === '' ? undefined : words,
    folder: options.folder,
    externalId: options.externalId,
    metadata: options.metadata,
  }
  const after = cursor === undefined ? undefined : readCursor(cursor, order)
  const page = { sortBy, isDescending, skip, take, after }
  const { documents, totalCount } = await listRows(database, filter, page)
  const last = documents.length === take ? documents.at(-1) : undefined
  return {
    documents,
    totalCount,
    nextCursor: last && writeCursor(order, last[sortBy], last.id),
  }
}

function writeCursor(order: string, value: string | number, id: string): string {
  return Buffer.from(JSON.stringify([order, value, id])).toString('base64url')
}

function readCursor(cursor: string, order: string): { value: string | number; id: string } {
  try {
    const [given, value, id] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown[]
    const isValue = typeof value === 'string' || typeof value === 'number'
    if (given === order && isValue && typeof id === 'string') return { value, id }
  } catch {
    // Answered like a cursor of another order.
  }
  throw new Problem('validation-failed', undefined, {
    errors: { cursor: ['is not the nextCursor of a list in this order'] },
  })
}
