// Chooses a folder by going down into it, or names one that is not there yet.

import { ask } from './dialog.js'
import { call } from './service.js'
import { toast } from './toast.js'

const dialog = document.getElementById('folder-dialog')
const into = dialog.querySelector('.into')
const choices = dialog.querySelector('.choices')

/**
 * @param heading of the dialog
 * @param what is moved or copied, in words
 * @param title of the copy, to be changed; none is asked for without it
 * @param name of the folder itself that is moved
 * @returns `{folder, title}`, undefined when it was dismissed
 */
export async function chooseFolder({ heading, button, what, start, workspaceId, title, name }) {
  let folder = start
  let isNewest = Symbol()

  async function open(path) {
    folder = path
    into.textContent = path === '/' ? 'Files' : path
    choices.ariaBusy = 'true'
    const asked = Symbol()
    isNewest = asked
    const query = new URLSearchParams({ workspaceId, parent: path })
    try {
      const { folders } = await call('GET', `/folders?${query}`)
      if (isNewest !== asked) return
      const above = path === '/' ? [] : [choice('↑ Up', path.slice(0, path.lastIndexOf('/')) || '/')]
      choices.replaceChildren(...above, ...folders.map((one) => choice(nameOf(one.folder), one.folder)))
    } catch (error) {
      toast(error.message, { isFault: true })
    } finally {
      choices.ariaBusy = 'false'
    }
  }

  function choice(words, path) {
    const line = document.createElement('li')
    const button = document.createElement('button')
    button.type = 'button'
    button.className = 'plain'
    button.dir = 'auto'
    const shown = document.createElement('span')
    shown.textContent = words
    button.append(shown)
    button.title = words
    button.addEventListener('click', async () => {
      await open(path)
      choices.querySelector('button')?.focus()
    })
    line.append(button)
    return line
  }

  const asked = ask(dialog.id, () => {
    dialog.querySelector('h2').textContent = heading
    dialog.querySelector('.what').textContent = what
    dialog.querySelector('button[value=yes]').textContent = button
    const named = dialog.querySelector('[name=name]')
    named.value = name ?? ''
    named.required = name !== undefined
    named.labels[0].querySelector('span').textContent =
      name === undefined ? 'New folder in it (optional)' : 'Name'
    dialog.querySelector('.title').hidden = title === undefined
    dialog.querySelector('[name=title]').value = title ?? ''
    choices.replaceChildren()
  })
  open(start)
  const answer = await asked
  if (answer === undefined) return undefined
  return { folder: within(folder, answer.get('name').trim()), title: answer.get('title').trim() }
}

export function nameOf(folder) {
  return folder.slice(folder.lastIndexOf('/') + 1)
}

export function within(folder, name) {
  if (name === '') return folder
  return folder === '/' ? `/${name}` : `${folder}/${name}`
}
