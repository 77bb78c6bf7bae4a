import { Router } from 'express'
import type { Caller } from '../../core/callers.ts'
import type { Deps } from '../../core/deps.ts'
import { listFolders } from '../../core/folders.ts'
import { type DocumentPage, listDocuments } from '../../core/list-documents.ts'
import { openNow } from '../../core/open-now.ts'
import { TEMPLATES } from '../../core/templates.ts'
import { workspacesAround } from '../../core/workspaces.ts'
import type { SignedInPages } from '../signed-in.ts'
import { BLANKS } from './blanks.ts'
import { type FilesQuery, filesAddress, readFilesQuery } from './files-query.ts'
import { shownFolders, wayTo } from './folder-places.ts'
import { pagingOf } from './paging.ts'
import { kindOf, shownNames, shownSize, shownTitle } from './shown.ts'

const A_PAGE = 100
/** Of an ISO time: as much as is shown. */
const TO_THE_MINUTE = '2026-11-21T12:00'.length

const SORT_COLUMNS = {
  title: 'title',
  type: 'file_type',
  fileSize: 'size',
  updatedAt: 'updated_at',
} as const

const HEADS = [
  { field: 'title', label: 'Title', startsDescending: false },
  { field: 'type', label: 'Type', startsDescending: false },
  { field: 'fileSize', label: 'Size', startsDescending: true },
  { field: 'updatedAt', label: 'Changed', startsDescending: true },
] as const

/** A workspace's documents, folder by folder. */
export function filesPage({ deps, send }: SignedInPages): Router {
  const router = Router()
  const maxFileBytes = deps.config.MAX_FILE_BYTES

  router.get('/files', async (request, response) => {
    const query = readFilesQuery(request.query)
    const { workspaceId, folder, search } = query
    const caller: Caller = { kind: 'administrator', workspaceId }
    const { workspace, workspaces } = await workspacesAround(deps, workspaceId)
    const isPlain = search === '' && query.type === undefined
    const folders = isPlain ? await listFolders(deps, caller, folder) : []
    const page = await documentsOf(deps, caller, query)
    const way = wayTo(workspaceId, folder)
    send(request, response, {
      name: 'files',
      section: 'files',
      title: way.at(-1)?.name ?? 'Files',
      data: {
        style: ['documents', 'files'],
        query,
        workspace,
        workspaces,
        way,
        ...shownFolders(workspaceId, folders, query.allFolders),
        allFolders: filesAddress({ ...query, allFolders: true }),
        emptySearch: filesAddress({ ...query, search: '', type: undefined, skip: 0 }),
        everywhere: filesAddress({ ...query, folder: '/', skip: 0 }),
        heads: headsOf(query),
        paging: page.paging,
        documents: await rowsOf(deps, query, page),
        blanks: BLANKS,
        templates: Map.groupBy(TEMPLATES, ({ category }) => category),
      },
      forScript: { maxFileBytes, maxFileSize: shownSize(maxFileBytes) },
    })
  })
  return router
}

/** A search looks below the folder, too. Past the end: the last page, as after deleting all of it. */
async function documentsOf(deps: Pick<Deps, 'database'>, caller: Caller, query: FilesQuery) {
  const { search, type, folder, sortBy, sortDescending } = query
  const list = (skip: number) =>
    listDocuments(deps, caller, {
      folder: { path: folder, isDeep: search !== '' },
      search,
      type,
      sortBy: SORT_COLUMNS[sortBy],
      isDescending: sortDescending,
      skip,
      take: A_PAGE,
    })
  let { skip } = query
  let page = await list(skip)
  if (page.documents.length === 0 && skip > 0) {
    skip = Math.max(0, Math.ceil(page.totalCount / A_PAGE) - 1) * A_PAGE
    page = await list(skip)
  }
  const shown = { skip, take: A_PAGE, shown: page.documents.length, total: page.totalCount }
  return { ...page, paging: pagingOf(shown, (skip) => filesAddress({ ...query, skip })) }
}

async function rowsOf(
  deps: Pick<Deps, 'database' | 'clock'>,
  { workspaceId, search }: FilesQuery,
  { documents }: Pick<DocumentPage, 'documents'>,
) {
  const open = await openNow(
    deps,
    workspaceId,
    documents.map(({ id }) => id),
  )
  return documents.map((document) => ({
    id: document.id,
    title: shownTitle(document.title),
    kind: kindOf(document),
    type: document.file_type.toUpperCase(),
    size: shownSize(document.size),
    changedAt: document.updated_at.slice(0, TO_THE_MINUTE).concat('Z'),
    openBy: shownNames(open.get(document.id) ?? []),
    folder: search === '' ? undefined : document.folder,
  }))
}

function headsOf(query: FilesQuery) {
  return HEADS.map(({ field, label, startsDescending }) => {
    const isSorted = query.sortBy === field
    const sortDescending = isSorted ? !query.sortDescending : startsDescending
    return {
      field,
      label,
      sorted: isSorted ? (query.sortDescending ? 'descending' : 'ascending') : undefined,
      address: filesAddress({ ...query, sortBy: field, sortDescending, skip: 0 }),
    }
  })
}
