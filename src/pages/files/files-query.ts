import { z } from 'zod'
import { normalizedFolder } from '../../core/folders.ts'
import { MAX_TITLE_LENGTH } from '../../core/titles.ts'
import { DEFAULT_WORKSPACE_ID } from '../../metadata/schema.ts'

const MOST_SKIPPED = 1_000_000_000

const text = z.string().catch('')

/** What an address of the page may say. Words that it does not know are taken as not said: people edit addresses. */
const Query = z.object({
  workspaceId: z.string().catch(DEFAULT_WORKSPACE_ID),
  folder: text.transform((given) => normalizedFolder(given) ?? '/'),
  search: text.transform((given) => given.slice(0, MAX_TITLE_LENGTH)),
  type: z.enum(['Docs', 'Sheet', 'Slide']).optional().catch(undefined),
  sortBy: z.enum(['updatedAt', 'title', 'type', 'fileSize']).catch('updatedAt'),
  sortDescending: z.stringbool().catch(true),
  skip: z.coerce.number().int().min(0).max(MOST_SKIPPED).catch(0),
  /** Folders beyond the first ones. */
  allFolders: z.stringbool().catch(false),
})

export type FilesQuery = z.output<typeof Query>

export function readFilesQuery(given: unknown): FilesQuery {
  return Query.parse(given)
}

/** The query of an address that shows this; what goes without saying is left out. */
export function filesAddress(query: FilesQuery): string {
  const unsaid = Query.parse({})
  const said = Object.entries(query)
    .filter(([name, value]) => value !== unsaid[name as keyof FilesQuery])
    .map(([name, value]): [string, string] => [name, String(value)])
  const text = new URLSearchParams(said).toString()
  return text === '' ? '/files' : `/files?${text}`
}
