// What is done with one of the document's versions.

import { ask } from './dialog.js'
import { refresh } from './live.js'
import { call, page } from './service.js'
import { attempt } from './toast.js'

const versionPath = (id) => `/documents/${page.documentId}/versions/${id}`

export async function restore({ id, number }) {
  const answer = await ask('restore-dialog', (dialog) => {
    dialog.querySelector('h2').textContent = `Restore version ${number}?`
  })
  if (answer === undefined) return
  await attempt(() => call('POST', `${versionPath(id)}/restore`, {}), `Version ${number} is restored`)
  await refresh()
}

export async function label({ id, number, label: known }) {
  const answer = await ask('label-dialog', (dialog) => {
    dialog.querySelector('h2').textContent = `Label version ${number}`
    dialog.querySelector('[name=label]').value = known
  })
  const wanted = answer?.get('label').trim()
  if (wanted === undefined || wanted === known) return
  const done = wanted === '' ? 'The label is off' : 'Labelled'
  await attempt(() => call('PATCH', versionPath(id), { label: wanted || null }), done)
  await refresh()
}
