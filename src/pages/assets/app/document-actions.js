// What can be done with documents of a list.

import { ask } from './dialog.js'
import { chooseFolder, nameOf, within } from './folder-choice.js'
import { documents, forEach } from './many.js'
import { go, reload } from './navigation.js'
import { restore } from './restore.js'
import { call, page } from './service.js'
import { attempt, toast } from './toast.js'

export function viewerOf(id) {
  return `${page.basePath}/api/onlyoffice/viewer/${id}`
}

export async function discard(ids) {
  const done = await forEach(ids, (id) => call('DELETE', `/documents/${id}`))
  await reload()
  if (done.length > 0) toast(`${documents(done.length)} deleted`, { undo: () => restore(done) })
}

export async function rename({ id, title }) {
  const values = await ask('rename-dialog', (dialog) => {
    dialog.querySelector('[name=title]').value = title
  })
  const wanted = values?.get('title').trim()
  if (!wanted || wanted === title) return
  await attempt(() => call('PATCH', `/documents/${id}`, { title: wanted }), 'Renamed')
  await reload()
}

/**
 * @param where `{workspaceId, folder}` that is shown
 * @param what in words
 */
export async function move(ids, { workspaceId, folder: start }, what = documents(ids.length)) {
  const chosen = await chooseFolder({ heading: 'Move', button: 'Move here', what, start, workspaceId })
  if (chosen === undefined) return
  const { folder } = chosen
  const done = await forEach(ids, (id) => call('PATCH', `/documents/${id}`, { folder }))
  await reload()
  if (done.length > 0) toast(`${documents(done.length)} moved to ${folder === '/' ? 'Files' : folder}`)
}

export async function copy({ id, title }, { workspaceId, folder: start }) {
  const chosen = await chooseFolder({
    heading: 'Copy',
    button: 'Copy here',
    what: '',
    start,
    workspaceId,
    title: `${title} (copy)`.slice(-500),
  })
  if (chosen === undefined) return
  const { folder, title: wanted } = chosen
  const copied = { folder, ...(wanted === '' ? {} : { title: wanted }) }
  await attempt(() => call('POST', `/documents/${id}/copy`, copied), 'Copied')
  await reload()
}

/** A new name is a move, too. */
export async function moveFolder(from, { workspaceId }) {
  const chosen = await chooseFolder({
    heading: 'Move or rename the folder',
    button: 'Move',
    what: `With everything in it: ${from}`,
    start: from.slice(0, from.lastIndexOf('/')) || '/',
    workspaceId,
    name: nameOf(from),
  })
  if (chosen === undefined || chosen.folder === from) return
  const query = new URLSearchParams({ workspaceId })
  const moved = () => call('POST', `/folders/move?${query}`, { from, to: chosen.folder })
  await attempt(moved, ({ moved }) => `Folder moved with ${documents(moved)}`)
  await reload()
}

/** Folders are there by what lies in them: a new one is shown empty, to be filled. */
export async function openNewFolder({ workspaceId, folder }) {
  const values = await ask('new-folder-dialog')
  const name = values?.get('name').trim()
  if (!name) return
  const query = new URLSearchParams({ workspaceId, folder: within(folder, name) })
  await go(`${page.basePath}/files?${query}`)
  document.getElementById('heading').focus()
}

export async function createDocument({ workspaceId, folder }) {
  const values = await ask('new-dialog')
  if (values === undefined) return
  const title = values.get('title').trim()
  const [type, format] = values.get('from').split('/')
  const [path, body] =
    format === undefined
      ? [`/templates/${type}/create`, title === '' ? {} : { title }]
      : ['/documents', { type, format, title: title || 'Untitled' }]
  const query = new URLSearchParams({ workspaceId })
  const made = await attempt(() => call('POST', `${path}?${query}`, { ...body, folder }), 'Created')
  if (made === undefined) return
  if (values.get('open') !== null) location.assign(viewerOf(made.id))
  else await reload()
}
