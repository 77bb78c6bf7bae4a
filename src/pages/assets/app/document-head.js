// What is done with the document as a whole.

import { chooseFolder } from './folder-choice.js'
import { refresh } from './live.js'
import { call, page } from './service.js'
import { attempt, toast } from './toast.js'

const path = `/documents/${page.documentId}`
const heading = () => document.getElementById('heading').dataset

/** Takes the place of the title while it is changed. */
export function startRename() {
  const form = document.getElementById('rename-form')
  const place = form.previousElementSibling
  const field = form.elements.title

  function show(isChanging) {
    form.hidden = !isChanging
    place.hidden = isChanging
    if (!isChanging) return document.getElementById('rename')?.focus()
    field.value = heading().title
    field.select()
  }

  document.addEventListener('click', ({ target }) => {
    if (target.closest('[data-do=rename]') !== null) show(true)
  })
  document.getElementById('rename-cancel').addEventListener('click', () => show(false))
  form.addEventListener('keydown', ({ key }) => key === 'Escape' && show(false))
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    const title = field.value.trim()
    if (title === '' || title === heading().title) return show(false)
    const renamed = await attempt(() => call('PATCH', path, { title }), 'Renamed')
    // What was typed is not lost when it was refused.
    if (renamed === undefined) return field.focus()
    await refresh()
    show(false)
  })
}

export async function move() {
  const { workspaceId } = page
  const start = heading().folder
  const asked = { heading: 'Move', button: 'Move here', what: '', start, workspaceId }
  const chosen = await chooseFolder(asked)
  if (chosen === undefined || chosen.folder === start) return
  const { folder } = chosen
  const where = folder === '/' ? 'Files' : folder
  await attempt(() => call('PATCH', path, { folder }), `Moved to ${where}`)
  await refresh()
}

export async function copy() {
  const { title, folder: start } = heading()
  const chosen = await chooseFolder({
    heading: 'Copy',
    button: 'Copy here',
    what: '',
    start,
    workspaceId: page.workspaceId,
    title: `${title} (copy)`.slice(-500),
  })
  if (chosen === undefined) return
  const { folder, title: wanted } = chosen
  const copied = { folder, ...(wanted === '' ? {} : { title: wanted }) }
  const made = await attempt(() => call('POST', `${path}/copy`, copied))
  if (made !== undefined) location.assign(`${page.basePath}/documents/${made.id}`)
}

/** It can be undone, so nothing is asked. */
export async function discard() {
  try {
    await call('DELETE', path)
    location.reload()
  } catch (error) {
    toast(error.message, { isFault: true })
  }
}

export async function undelete() {
  const restored = await attempt(() => call('POST', `${path}/undelete`))
  if (restored !== undefined) location.reload()
}
