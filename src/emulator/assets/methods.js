// The methods that the host page calls: noted and checked by the server, then done here.
import { requestCopy } from './copy.js'
import { FORM_ROLES } from './form-tools.js'
import { showHistory, showVersion } from './history.js'
import { tellHost } from './host.js'
import { showUserList } from './people.js'
import { showResult } from './results.js'
import { disable, hasUnsent, lastEdits, lock } from './sheet.js'
import { addressOf, element, make, post, showNotice, tab, tabChanged } from './tab.js'

const DESCRIPTIONS = {
  '-4': 'Download failed',
  '-20': 'The token is not valid',
  '-21': 'The token has expired',
}

const METHODS = {
  denyEditingRights: async (reason) => {
    await disconnect()
    disable(String(reason ?? 'You are denied the right to edit this document.'))
  },
  downloadAs: async (fileType) => {
    const copy = await requestCopy({ fileType })
    if (copy) tellHost('onDownloadAs', { fileType: copy.fileType, url: copy.url })
  },
  insertImage: ({ c = 'add' }, { urls }) => showResult('images', ...urls.map((src) => makeImage(src, c))),
  refreshHistory: async (history) => {
    // The real editor leaves the document when it shows the history.
    if (showHistory(history) && tab.isOpen) {
      await disconnect()
      lock()
    }
  },
  requestClose: () => requestClose(),
  setActionLink: (link) => showResult('action-link', make('a', { href: link, textContent: link })),
  setFavorite: (favorite) => {
    tab.config.document.info = { ...tab.config.document.info, favorite }
    tabChanged()
  },
  setHistoryData: (data, { changes }) => showVersion(data, changes?.text),
  setMailMergeRecipients: (data) => showFile('recipients', data),
  setReferenceData: (data) => showFile('reference-data', data),
  setReferenceSource: (data) => showFile('reference-source', data),
  setRequestedDocument: (data) => showFile('requested-document', data),
  setRequestedSpreadsheet: (data) => showFile('requested-spreadsheet', data),
  setRevisedFile: (data) => showFile('revised-file', data),
  setSharingSettings: ({ sharingSettings = [] }) =>
    showResult(
      'sharing',
      ...sharingSettings.map(({ user, permissions, isLink }) =>
        make('p', { textContent: `${user}: ${permissions}`, dataset: { user, permissions, isLink } }),
      ),
    ),
  setUsers: (list) => showUserList(list),
  showMessage: (text) => showNotice(String(text ?? '')),
  startFilling: () => {
    lock()
    const { id = '', name = '', email = '', image = '' } = tab.config.editorConfig?.user ?? {}
    tellHost(
      'onStartFilling',
      FORM_ROLES.map((role) => ({ ...role, user: { id, name, email, image } })),
    )
  },
}

export function takesMethod(name) {
  return Object.hasOwn(METHODS, name)
}

export async function callMethod(method, argument) {
  if (tab.id === '') return
  const response = await post(`/${tab.id}/calls`, { method, argument }).catch(() => undefined)
  if (response?.status !== 200) return
  const { number, errorCode, urls, changes } = await response.json()
  const data = changes && (await fetchChanges(number, changes))
  if (errorCode === undefined) return METHODS[method](argument, { urls, changes: data })
  const errorDescription = DESCRIPTIONS[errorCode]
  tellHost('onError', { errorCode, errorDescription })
  showNotice(`${method}: ${errorDescription}`)
}

/** From the browser, as the real editor does: the host has to allow it by CORS. */
async function fetchChanges(number, { url, authorization }) {
  const response = await fetch(url, { headers: { Authorization: authorization } }).catch(() => undefined)
  const bytes = response ? await response.arrayBuffer() : new ArrayBuffer(0)
  const address = addressOf(`/${tab.id}/calls/${number}/changes?status=${response?.status ?? 0}`)
  await fetch(address, { method: 'POST', body: bytes })
  return { text: response?.ok ? `${bytes.byteLength} bytes of changes` : 'no changes' }
}

/** What was typed goes along, except unsaved text of strict mode. */
function disconnect() {
  return post(`/${tab.id}/disconnect`, { edits: lastEdits() }).catch(() => undefined)
}

/** Asks the user first when text would be lost. */
export function requestClose() {
  if (!tab.isStrict || !hasUnsent()) return tellHost('onRequestClose')
  showNotice(
    'You have unsaved text.',
    ['Leave it', () => tellHost('onRequestClose')],
    ['Stay', () => showNotice('')],
  )
}

function showFile(name, { c, fileType, url, path, error }) {
  const text = error ?? [c, path, fileType, url].filter(Boolean).join(' · ')
  showResult(name, make('p', { textContent: text, dataset: { c, fileType, error } }))
}

function makeImage(src, c) {
  return make('img', { src, alt: `Inserted image (${c})`, dataset: { inserted: c } })
}

element('close').addEventListener('click', requestClose)
