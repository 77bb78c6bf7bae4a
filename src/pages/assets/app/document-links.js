// Links that let others in to the document.

import { ask } from './dialog.js'
import { refresh } from './live.js'
import { call, page } from './service.js'
import { attempt } from './toast.js'

const DAY_MS = 86_400_000
const linksPath = `/documents/${page.documentId}/links`

/** What goes with each choice. Looking goes with all of them. */
const GRANTS = {
  view: ['view'],
  comment: ['view', 'comment', 'chat'],
  review: ['view', 'review', 'comment', 'chat'],
  fillForms: ['view', 'fillForms'],
  edit: ['view', 'edit', 'review', 'comment', 'fillForms', 'chat'],
}
const READING = ['download', 'print', 'copy']

const form = document.querySelector('#link-dialog form')

/** Fields that belong to a choice are there while it is chosen, and then needed. */
function showFields() {
  const { elements } = form
  const chosen = { person: elements.for.value === 'person', at: elements.until.value === 'at' }
  for (const place of form.querySelectorAll('[data-for]')) place.hidden = !chosen[place.dataset.for]
  elements.name.required = chosen.person
  elements.at.required = chosen.at
}
form.addEventListener('change', showFields)

export async function makeLink() {
  const answer = await ask('link-dialog', showFields)
  if (answer === undefined) return
  const made = await attempt(() => call('POST', linksPath, linkOf(answer)))
  if (made === undefined) return
  await refresh()
  await showAddress(made.url)
}

function linkOf(answer) {
  const text = (name) => answer.get(name).trim()
  const watermark = text('watermark')
  const expiresAt = endOf(text('until'), text('at'))
  return {
    grants: [...GRANTS[text('may')], ...(answer.has('reading') ? READING : [])],
    ...(text('for') === 'person' ? { user: { id: text('id') || text('name'), name: text('name') } } : {}),
    ...(expiresAt === undefined ? {} : { expiresAt }),
    ...(watermark === '' ? {} : { options: { watermark } }),
  }
}

/** @param at in the reader's own zone */
function endOf(until, at) {
  if (until === '') return undefined
  return (until === 'at' ? new Date(at) : new Date(Date.now() + Number(until) * DAY_MS)).toISOString()
}

async function showAddress(url) {
  const dialog = document.getElementById('made-dialog')
  const field = dialog.querySelector('[name=url]')
  const copied = document.getElementById('copied')
  await ask(dialog.id, () => {
    field.value = url
    copied.textContent = ''
  })
  // It was shown once.
  field.value = ''
}

document.getElementById('copy-link').addEventListener('click', async () => {
  const field = document.querySelector('#made-dialog [name=url]')
  field.select()
  const copied = document.getElementById('copied')
  try {
    await navigator.clipboard.writeText(field.value)
    copied.textContent = 'Copied.'
  } catch {
    // Without https browsers have no clipboard for scripts.
    copied.textContent = document.execCommand('copy') ? 'Copied.' : 'It is selected: copy it with Ctrl+C.'
  }
})

export async function revoke({ id, whom, may }) {
  const answer = await ask('revoke-dialog', (dialog) => {
    dialog.querySelector('.what').textContent = `${whom} may ${may}.`
  })
  if (answer === undefined) return
  await attempt(() => call('DELETE', `${linksPath}/${id}`), 'The link is revoked')
  await refresh()
}
