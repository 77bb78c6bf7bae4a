// The list of versions. Source: ONLYOFFICE Docs API, Methods, refreshHistory and setHistoryData.
import { requestCopy } from './copy.js'
import { isDeclared, tellHost } from './host.js'
import { element, make, showNotice, tab } from './tab.js'

let currentVersion

/** False when there is none to show. */
export function showHistory({ currentVersion: current, history, error } = {}) {
  if (error || !history) {
    showNotice(error ?? 'The history cannot be loaded.')
    return false
  }
  currentVersion = current
  element('history').replaceChildren(
    make('h2', { textContent: 'Version history' }),
    ...(isDeclared('onRequestHistoryClose') ? [closeButton()] : []),
    make('ol', {}, ...history.map(makeVersion)),
    make('p', { dataset: { historyData: '' } }),
  )
  element('history').hidden = false
  return true
}

/** What the host handed back for one version. */
export function showVersion({ version, url, error }, changes = 'no changes') {
  for (const item of element('history').querySelectorAll('[data-version]')) {
    item.classList.toggle('shown', item.dataset.version === String(version))
  }
  const shown = element('history').querySelector('[data-history-data]')
  if (!shown) return
  shown.textContent = error ?? `Version ${version} is shown with ${changes}: ${url}`
  shown.dataset.historyData = error ? 'error' : String(version)
}

function closeButton() {
  return make('button', {
    type: 'button',
    textContent: 'Back to the document',
    dataset: { event: 'onRequestHistoryClose' },
    onclick: () => tellHost('onRequestHistoryClose'),
  })
}

function makeVersion({ version, created, user, changes, url }) {
  const isCurrent = version === currentVersion
  const item = make('li', { dataset: { version, current: isCurrent ? '' : undefined } })
  item.append(
    make('button', {
      type: 'button',
      textContent: `Version ${version}`,
      // Without its event a version opens only if the list named its address.
      disabled: !isDeclared('onRequestHistoryData') && !url,
      dataset: { event: 'onRequestHistoryData', version },
      onclick: () => tellHost('onRequestHistoryData', version),
    }),
    make('span', { textContent: user?.name ?? '', dataset: { author: user?.id ?? '' } }),
    make('time', { textContent: created, dataset: { created } }),
    ...(isCurrent ? ['current'] : []),
    // The current version cannot be restored.
    ...(isDeclared('onRequestRestore') && !isCurrent
      ? [restoreButton('Restore', { version }, () => tellHost('onRequestRestore', { version, ...ownType() }))]
      : []),
  )
  if (Array.isArray(changes))
    item.append(make('ul', {}, ...changes.map((change, index) => makeChange(version, change, index))))
  return item
}

function makeChange(version, change, index) {
  const item = make(
    'li',
    { dataset: { change: index } },
    `${change?.user?.name ?? ''} ${change?.created ?? ''}`,
  )
  if (isDeclared('onRequestRestore')) {
    item.append(
      restoreButton('Restore this change', { version, change: index }, () => restoreChange(version)),
    )
  }
  return item
}

function restoreButton(label, data, act) {
  return make('button', {
    type: 'button',
    textContent: label,
    dataset: { event: 'onRequestRestore', ...data },
    onclick: act,
  })
}

/** The state after one change is a file of Document Server; its version must have been shown before. */
async function restoreChange(version) {
  const copy = await requestCopy({ version })
  if (copy) tellHost('onRequestRestore', { version, url: copy.url, fileType: copy.fileType })
}

function ownType() {
  const { fileType } = tab.config.document
  return fileType ? { fileType } : {}
}
