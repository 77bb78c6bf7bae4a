import { Router } from 'express'
import { z } from 'zod'
import type { Caller } from '../../core/callers.ts'
import { targetsOf } from '../../core/conversions.ts'
import type { Deps } from '../../core/deps.ts'
import { formatOf } from '../../core/formats.ts'
import { listActivity } from '../../core/list-activity.ts'
import { saveStateOf } from '../../core/save-state.ts'
import { listLinks } from '../../core/sharing/links.ts'
import { thumbnailOf } from '../../core/thumbnails/thumbnail.ts'
import { listVersions } from '../../core/versions.ts'
import { Problem } from '../../errors.ts'
import { findDocument, findTrashed } from '../../metadata/documents.ts'
import type { DocumentRow } from '../../metadata/schema.ts'
import { folderAddress, wayTo } from '../files/folder-places.ts'
import { kindOf, shownSize, shownTime, shownTitle } from '../files/shown.ts'
import type { SignedInPages } from '../signed-in.ts'
import { activityShown } from './activity-sentences.ts'
import { linkShown } from './links-shown.ts'
import { peopleShown } from './people-shown.ts'
import { versionShown } from './versions-shown.ts'

/** Rows at first, and when all are asked for. */
const FEW = 20
const MANY = 1000

/** What people want a document as. */
const USUAL = ['pdf', 'docx', 'xlsx', 'pptx', 'odt', 'ods', 'odp', 'txt', 'csv', 'html', 'md', 'rtf']

const ADMINISTRATOR: Caller = { kind: 'administrator' }

const TYPES = {
  word: 'Text document',
  cell: 'Spreadsheet',
  slide: 'Presentation',
  pdf: 'Pages',
  diagram: 'Diagram',
} as const

/** Parts of which all is shown, not only the newest. */
const Query = z.object({ all: z.enum(['versions', 'links', 'activity']).optional().catch(undefined) })
type All = z.output<typeof Query>['all']

/** One document with everything that is known of it. */
export function documentPage({ deps, send }: SignedInPages): Router {
  const router = Router()

  router.get('/documents/:documentId', async (request, response) => {
    const { all } = Query.parse(request.query)
    const document = await anyDocument(deps, request.params.documentId)
    const isDeleted = document.deleted_at !== null
    send(request, response, {
      name: 'document',
      section: isDeleted ? 'trash' : 'files',
      title: shownTitle(document.title),
      data: {
        style: 'document',
        document: aboutShown(document),
        folders: wayTo(document.workspace_id, document.folder),
        folderAddress: folderAddress(document.workspace_id, document.folder),
        activity: await activityOf(deps, document, all),
        trashDays: deps.config.TRASH_DAYS,
        ...(isDeleted ? IN_TRASH : await contentOf(deps, document, all)),
      },
      forScript: { documentId: document.id, workspaceId: document.workspace_id },
    })
  })
  return router
}

/** In the trash, too. @throws Problem `document-not-found` */
async function anyDocument({ database }: Pick<Deps, 'database'>, id: string): Promise<DocumentRow> {
  const document =
    (await findDocument(database, id, undefined)) ?? (await findTrashed(database, id, undefined))
  if (document === undefined) throw new Problem('document-not-found')
  return document
}

/** What cannot be reached while a document is deleted. */
const IN_TRASH = {
  versions: { rows: [], more: 0 },
  links: { rows: [], more: 0 },
  people: [],
  targets: [],
  saveState: undefined,
  thumbnail: { state: 'none' },
} as const

async function contentOf(deps: Deps, document: DocumentRow, all: All) {
  const now = deps.clock().toISOString()
  const versions = await listVersions(deps, ADMINISTRATOR, document.id)
  const links = await listLinks(deps, ADMINISTRATOR, document.id)
  return {
    versions: newest(versions, all === 'versions', (one) => versionShown(one, document.head_version_id)),
    links: newest(links, all === 'links', (one) => linkShown(one, now)),
    people: await peopleShown(deps, document),
    targets: usualFirst(targetsOf(deps, document.file_type)),
    saveState: await saveStateOf(deps, document),
    thumbnail: await thumbnailOf(deps, document),
  }
}

function usualFirst(targets: string[]): string[] {
  return [...USUAL.filter((one) => targets.includes(one)), ...targets.filter((one) => !USUAL.includes(one))]
}

async function activityOf(deps: Pick<Deps, 'database'>, { id: documentId }: DocumentRow, all: All) {
  const take = all === 'activity' ? MANY : FEW
  const { activity, nextCursor } = await listActivity(deps, ADMINISTRATOR, { documentId, take })
  return { rows: activity.map(activityShown), hasMore: nextCursor !== undefined && take < MANY }
}

function newest<Row, Shown>(rows: Row[], isAll: boolean, show: (row: Row) => Shown) {
  const shown = rows.slice(0, isAll ? MANY : FEW)
  return { rows: shown.map(show), more: isAll ? 0 : rows.length - shown.length }
}

function aboutShown(document: DocumentRow) {
  const { id, title, folder, file_type, size, created_at, updated_at, deleted_at } = document
  return {
    id,
    title,
    shown: shownTitle(title),
    folder,
    kind: kindOf(document),
    type: TYPES[formatOf(file_type)?.type ?? 'word'],
    extension: file_type.toUpperCase(),
    size: shownSize(size),
    createdAt: created_at,
    created: shownTime(created_at),
    updatedAt: updated_at,
    updated: shownTime(updated_at),
    deletedAt: deleted_at,
    deleted: shownTime(deleted_at ?? ''),
  }
}
