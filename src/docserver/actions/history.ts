import { z } from 'zod'
import {
  type HistoryVersion,
  historyKeyOf,
  historyOf,
  restoreChange,
  restoreNumber,
  versionInHistory,
} from '../../core/history.ts'
import { isProblem, Problem } from '../../errors.ts'
import type { DocumentRow, VersionRow } from '../../metadata/schema.ts'
import { type Action, action } from '../action.ts'
import type { Door } from '../door.ts'
import { type HistoryData, METHOD_TOKEN_S, signedFor } from '../methods.ts'
import { fileAddress } from '../own-addresses.ts'
import type { Visitor } from '../visitor.ts'
import { Address, FileType } from './fields.ts'

const VersionNumber = z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER)

/** `history` of a callback; what does not look like it is left out. */
const Changes = z
  .object({ changes: z.array(z.unknown()).optional(), serverVersion: z.string().optional() })
  .catch({})

/** What was in a document before is not for those who were shown what is in it now. @throws Problem `grant-missing` */
function demandHistory({ grants, seesWorkspace }: Visitor): void {
  if (!seesWorkspace && !grants.has('edit')) throw new Problem('grant-missing', 'the history is for editors')
}

/** Source: ONLYOFFICE Docs API, Methods, refreshHistory and setHistoryData; Events, onRequestRestore. */
export function historyActions(door: Door): Action[] {
  const { deps, docServerTokens } = door
  return [
    action({
      method: 'get',
      path: '/history',
      grant: 'view',
      async handle({ visitor }) {
        demandHistory(visitor)
        const { document } = visitor
        const versions = await historyOf(deps, document)
        const head = versions.find(({ id }) => id === document.head_version_id)
        return { currentVersion: head?.number, history: versions.map(historyEntry) }
      },
    }),

    action({
      method: 'get',
      path: '/history/:version',
      grant: 'view',
      params: z.object({ version: VersionNumber }),
      async handle({ visitor, params: { version: number } }) {
        demandHistory(visitor)
        const { document } = visitor
        try {
          const { version, base } = await versionInHistory(deps, document, number)
          const payload = historyData(door, document, version, base)
          return signedFor(docServerTokens, 'setHistoryData', payload, METHOD_TOKEN_S)
        } catch (error) {
          // The editor shows the text.
          if (isProblem(error, 'version-not-found')) return { error: error.message, version: number }
          throw error
        }
      },
    }),

    action({
      method: 'post',
      path: '/restore',
      grant: 'edit',
      body: z.object({ version: VersionNumber, url: Address.optional(), fileType: FileType.optional() }),
      async handle({ visitor: { caller, document }, body: { version: number, url, fileType } }) {
        const { number: version } =
          url === undefined
            ? await restoreNumber(deps, caller, document, number)
            : await restoreChange(deps, caller, document, {
                number,
                url,
                fileType: fileType ?? document.file_type,
              })
        return { version }
      },
    }),
  ]
}

function historyEntry(version: HistoryVersion) {
  const { number, kind, author_id, author_name, updated_at, history, changes_sha256 } = version
  const shown = history === null || changes_sha256 === null ? {} : Changes.parse(JSON.parse(history))
  return {
    version: number,
    key: historyKeyOf(version),
    // The editor shows it as it is; the times of single changes look the same. UTC.
    created: updated_at.slice(0, 19).replace('T', ' '),
    user: { id: author_id, name: author_name },
    // For the page, which says so beside the name.
    ...(kind === 'conflict' || kind === 'recovery' ? { kind } : {}),
    ...shown,
  }
}

function historyData(
  door: Door,
  { id }: DocumentRow,
  version: VersionRow,
  base: VersionRow | undefined,
): HistoryData {
  const contentUrl = (versionId: string) => fileAddress(door, id, { versionId, part: 'content' })
  const changes =
    base === undefined
      ? {}
      : {
          changesUrl: fileAddress(
            door,
            id,
            { versionId: version.id, part: 'changes' },
            // Fetched by the page of Document Server.
            { byBrowser: true },
          ),
          previous: { fileType: base.file_type, key: base.key, url: contentUrl(base.id) },
        }
  return {
    ...changes,
    fileType: version.file_type,
    key: historyKeyOf(version),
    url: contentUrl(version.id),
    version: version.number,
  }
}
