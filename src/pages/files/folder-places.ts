import type { FolderCount } from '../../metadata/folders.ts'
import { filesAddress } from './files-query.ts'
import { shownTitle } from './shown.ts'

const MOST_FOLDERS = 48

export type FolderPlace = { path: string; name: string; address: string; count?: number }

/** The way down to a folder, the folder itself last. */
export function wayTo(workspaceId: string, folder: string): FolderPlace[] {
  const names = folder.split('/').filter((name) => name !== '')
  const way = names.map((_, index) => placeOf(workspaceId, `/${names.slice(0, index + 1).join('/')}`))
  return [{ ...placeOf(workspaceId, '/'), name: 'Files' }, ...way]
}

/** A page shows the first ones, unless all are asked for. */
export function shownFolders(
  workspaceId: string,
  folders: readonly FolderCount[],
  isAll: boolean,
): { folders: FolderPlace[]; more: number } {
  const shown = isAll ? folders : folders.slice(0, MOST_FOLDERS)
  return {
    folders: shown.map(({ folder, count }) => ({ ...placeOf(workspaceId, folder), count })),
    more: folders.length - shown.length,
  }
}

function placeOf(workspaceId: string, path: string): FolderPlace {
  const name = shownTitle(path.slice(path.lastIndexOf('/') + 1))
  return { path, name, address: folderAddress(workspaceId, path) }
}

/** A folder with nothing looked for in it. */
export function folderAddress(workspaceId: string, folder: string): string {
  return filesAddress({
    workspaceId,
    folder,
    search: '',
    type: undefined,
    sortBy: 'updatedAt',
    sortDescending: true,
    skip: 0,
    allFolders: false,
  })
}
