// The header, and the buttons that fire no event.
import { requestCopy } from './copy.js'
import { isDeclared, tellHost } from './host.js'
import { save, send } from './sheet.js'
import { element, make, showState, tab } from './tab.js'

export function showHeader({ type, isViewing, mayAskForEditing }) {
  const { coEditing = {}, customization = {} } = tab.config.editorConfig ?? {}
  document.body.dataset.type = type
  document.body.dataset.mode = isViewing ? 'view' : 'edit'
  element('save').hidden = !tab.canType
  element('edit').hidden = !mayAskForEditing || !isDeclared('onRequestEditRights')
  element('close').hidden = !isDeclared('onRequestClose') || customization.close?.visible === false
  element('close').title = customization.close?.text ?? ''
  const mode = element('co-editing')
  mode.hidden = !tab.isOpen || type === 'embedded' || coEditing.change === false
  mode.textContent = tab.isStrict ? 'Strict' : 'Fast'
  mode.dataset.coEditing = tab.isStrict ? 'strict' : 'fast'
}

/** Those that lead elsewhere are links. */
export function makeButtons(rights) {
  return rights.type === 'embedded' ? embeddedButtons(rights) : normalButtons(rights)
}

function normalButtons(rights) {
  const { customization = {}, recent = [], templates = [] } = tab.config.editorConfig ?? {}
  const { logo, goback } = customization
  const isMobile = rights.type === 'mobile'
  return [
    ...offer(rights.canDownload, 'download', 'Download', download),
    ...offer(rights.canPrint, 'print', 'Print', () => showState('Printing is not emulated')),
    ...offer(rights.canCopy, 'copy', 'Copy', () => showState('Copying is not emulated')),
    ...offer(rights.canProtect && !isMobile, 'protect', 'Protect', () =>
      showState('Protection is not emulated'),
    ),
    ...offer(rights.canChat, 'chat', 'Chat', () => showState('Chat is not emulated')),
    ...offer(rights.canComment, 'comments', 'Comments', () => element('tools').scrollIntoView()),
    ...link(goback?.url, 'goback', goback?.text ?? 'Open file location'),
    ...(logo?.visible === false ? [] : link(logo?.url || logo?.image, 'logo', 'Logo')),
    ...(isMobile ? [] : recent.flatMap(({ url, title }) => link(url, 'recent', title ?? url))),
    ...(isMobile ? [] : templates.flatMap(({ url, title }) => link(url, 'template', title ?? url))),
  ]
}

function embeddedButtons({ canDownload, canPrint }) {
  const { embedded = {}, customization = {} } = tab.config.editorConfig ?? {}
  const { goback } = customization
  document.body.dataset.toolbar = embedded.toolbarDocked ?? 'top'
  return [
    ...(canDownload ? link(embedded.saveUrl, 'save-url', 'Download') : []),
    ...link(embedded.shareUrl, 'share-url', 'Share'),
    ...link(embedded.embedUrl, 'embed-url', 'Embed'),
    ...link(embedded.fullscreenUrl, 'fullscreen-url', 'Full screen'),
    ...offer(canPrint, 'print', 'Print', () => showState('Printing is not emulated')),
    ...link(goback?.url, 'goback', goback?.text ?? 'Open file location'),
  ]
}

function offer(isOffered, name, label, act) {
  if (!isOffered) return []
  return [make('button', { type: 'button', textContent: label, dataset: { button: name }, onclick: act })]
}

function link(href, name, label) {
  if (!href || !URL.canParse(href, location.href)) return []
  if (!/^https?:$/.test(new URL(href, location.href).protocol)) return []
  const opened = { href, target: '_blank', rel: 'noopener' }
  return [make('a', { ...opened, textContent: label, dataset: { button: name } })]
}

async function download() {
  const copy = await requestCopy()
  if (copy) make('a', { href: copy.url, download: copy.title }).click()
}

element('save').addEventListener('click', save)
element('edit').addEventListener('click', () => tellHost('onRequestEditRights'))
// What is unsaved is handed over by the switch, in both directions.
element('co-editing').addEventListener('click', () =>
  send('mode', { mode: tab.isStrict ? 'fast' : 'strict' }),
)
