import { Router } from 'express'
import { listTrash } from '../../core/trash.ts'
import { workspacesAround } from '../../core/workspaces.ts'
import type { SignedInPages } from '../signed-in.ts'
import { readFilesQuery } from './files-query.ts'
import { pagingOf } from './paging.ts'
import { kindOf, shownSize, shownTime, shownTitle } from './shown.ts'

const A_PAGE = 100

/** What was deleted and is kept for a while. */
export function trashPage({ deps, send }: SignedInPages): Router {
  const router = Router()

  router.get('/trash', async (request, response) => {
    const { workspaceId, skip: asked } = readFilesQuery(request.query)
    const { workspace, workspaces } = await workspacesAround(deps, workspaceId)
    const { documents, totalCount, skip } = await listTrash(deps, { workspaceId, skip: asked, take: A_PAGE })
    const shown = { skip, take: A_PAGE, shown: documents.length, total: totalCount }
    send(request, response, {
      name: 'trash',
      section: 'trash',
      title: 'Trash',
      data: {
        style: 'documents',
        workspace,
        workspaces,
        days: deps.config.TRASH_DAYS,
        paging: pagingOf(
          shown,
          (skip) => `/trash?${new URLSearchParams({ workspaceId, skip: String(skip) })}`,
        ),
        documents: documents.map((document) => ({
          id: document.id,
          title: shownTitle(document.title),
          kind: kindOf(document),
          type: document.file_type.toUpperCase(),
          size: shownSize(document.size),
          folder: document.folder,
          deletedAt: document.deleted_at ?? '',
          deleted: shownTime(document.deleted_at ?? ''),
          erasedAt: document.erasedAt,
          erased: document.erasedAt && shownTime(document.erasedAt),
        })),
      },
    })
  })
  return router
}
