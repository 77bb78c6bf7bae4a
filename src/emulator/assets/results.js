// What the host page handed back, each kind in a section of its own.
import { element, make } from './tab.js'

const TITLES = {
  'action-link': 'Link',
  images: 'Inserted images',
  recipients: 'Recipients',
  'reference-data': 'Values of another file',
  'reference-source': 'New source of values',
  'requested-document': 'Chosen document',
  'requested-spreadsheet': 'Chosen spreadsheet',
  'revised-file': 'Document to compare with',
  sharing: 'Who has access',
  users: 'People',
}

export function showResult(name, ...content) {
  const old = element('results').querySelector(`[data-result="${name}"]`)
  const section = make(
    'section',
    { dataset: { result: name } },
    make('h2', { textContent: TITLES[name] }),
    ...content,
  )
  if (old) old.replaceWith(section)
  else element('results').append(section)
}
