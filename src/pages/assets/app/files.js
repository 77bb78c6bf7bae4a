// The page of a workspace's documents.

import {
  copy,
  createDocument,
  discard,
  move,
  moveFolder,
  openNewFolder,
  rename,
  viewerOf,
} from './document-actions.js'
import { startDrop } from './drop.js'
import { listen, refreshSoon } from './live.js'
import { address, go, navigateInPlace, reload } from './navigation.js'
import { leaveRow, startRowKeys } from './row-keys.js'
import { startRowMenu } from './row-menu.js'
import { chooseNone, startSelection } from './selection.js'
import { page } from './service.js'
import { showTimes } from './times.js'
import { refuse, startUploads, upload } from './uploads.js'

/** After the last key. */
const TYPING_MS = 150
/** Leaving an editor is no activity that we are told of. */
const OPENINGS_EVERY_MS = 30_000

const filter = document.getElementById('filter')
const chosenFiles = document.getElementById('chosen-files')
const list = document.getElementById('list')

/** `{workspaceId, folder}` that is shown. */
const where = () => ({ ...document.getElementById('where').dataset })
const titleOf = (row) => row.querySelector('a').textContent

/** Of what was searched for, wherever it lies. */
function folderOf(row) {
  const folder = row.querySelector('.in')?.textContent
  return folder === undefined ? undefined : address('/files', { ...where(), folder })
}

function discardRow(row) {
  leaveRow(row)
  return discard([row.dataset.id])
}

showTimes()
listen({ onLine: (isThere) => isThere || reload() })
setInterval(() => list.querySelector('.open') !== null && refreshSoon(), OPENINGS_EVERY_MS)

navigateInPlace(() => {
  chooseNone()
  fillFilter()
  if (document.activeElement === document.body) document.getElementById('heading').focus()
})

startSelection({ move: (ids) => move(ids, where()), delete: discard })
startRowKeys(list, discardRow)
startRowMenu(
  (row) => ({
    open: viewerOf(row.dataset.id),
    details: `${page.basePath}/documents/${row.dataset.id}`,
    folder: folderOf(row),
    download: `${page.basePath}/api/documents/${row.dataset.id}/download`,
  }),
  {
    rename: (row) => rename({ id: row.dataset.id, title: titleOf(row) }),
    move: (row) => move([row.dataset.id], where(), titleOf(row)),
    copy: (row) => copy({ id: row.dataset.id, title: titleOf(row) }, where()),
    delete: discardRow,
  },
)
document.addEventListener('click', ({ target }) => {
  const folder = target.closest('[data-move-folder]')?.closest('[data-folder]').dataset.folder
  if (folder !== undefined) moveFolder(folder, where())
})

for (const [id, action] of [
  ['new-document', () => createDocument(where())],
  ['new-folder', () => openNewFolder(where())],
  ['upload', () => chosenFiles.click()],
]) {
  document.getElementById(id).addEventListener('click', action)
}

startUploads()
chosenFiles.addEventListener('change', () => {
  upload(chosenFiles.files, where())
  chosenFiles.value = ''
})
startDrop({
  current: () => where().folder,
  take({ files, folders, folder }) {
    upload(files, { ...where(), folder })
    for (const name of folders) refuse(name, 'Is a folder: open it and drop its files')
  },
})

let typing
filter.addEventListener('input', ({ target }) => {
  clearTimeout(typing)
  typing = setTimeout(() => showFilter(target), target.type === 'search' ? TYPING_MS : 0)
})
filter.addEventListener('submit', (event) => {
  event.preventDefault()
  clearTimeout(typing)
  showFilter(filter.elements.search)
})

/** Another workspace has other folders. */
async function showFilter(changed) {
  const { search, type, workspaceId } = filter.elements
  const isElsewhere = changed.name === 'workspaceId'
  const { searchParams: shown } = new URL(location.href)
  const kept = isElsewhere
    ? {}
    : { sortBy: shown.get('sortBy') ?? '', sortDescending: shown.get('sortDescending') ?? '' }
  const query = {
    workspaceId: workspaceId?.value ?? where().workspaceId,
    folder: isElsewhere ? '' : where().folder,
    search: isElsewhere ? '' : search.value.trim(),
    type: isElsewhere ? '' : type.value,
    ...kept,
  }
  chooseNone()
  // What is typed letter by letter is not gone back to.
  await go(address('/files', query), { replace: changed === search })
  if (isElsewhere) fillFilter()
}

/** As the address says. */
function fillFilter() {
  const { searchParams: shown } = new URL(location.href)
  filter.elements.search.value = shown.get('search') ?? ''
  filter.elements.type.value = shown.get('type') ?? ''
  filter.elements.folder.value = where().folder
  if (filter.elements.workspaceId) filter.elements.workspaceId.value = where().workspaceId
}
