// The editor page of the emulator. It speaks with the host page by messages and with the server by
// fetch (edits, saving) and an event stream (everything else).
const API = new URL('../../../editing', location.href)
const PARENT_ORIGIN = new URLSearchParams(location.search).get('parentOrigin') ?? location.origin
const SEND_AFTER_MS = 200
const TRY_AGAIN_AFTER_MS = 1000
const WORD_TYPES = ['docx', 'docm', 'dotx', 'dotm']

const element = (id) => document.getElementById(id)
const tab = { id: '', isOpen: false, isStrict: false, canType: false, isWord: true, listenedTo: [] }
/** Text that is not at the server yet, by paragraph. */
const unsent = new Map()
let isChanged = false
let isSending = false
let timer
let stream

function tellHost(name, data) {
  window.parent.postMessage({ name, data }, PARENT_ORIGIN)
}

function showState(text) {
  element('state').textContent = text
}

function showNotice(text) {
  element('notice').textContent = text
  element('notice').hidden = text === ''
}

// What the host page may ask for; other methods of the API are ignored.
const METHODS = {
  open: ({ config, events }) => {
    tab.listenedTo = events
    open(config)
  },
  refreshFile: ({ config }) => refresh(config),
  leave: () => leave(),
  requestClose: () => tellHost('onRequestClose'),
  showMessage: ({ argument }) => showNotice(String(argument ?? '')),
  denyEditingRights: ({ argument }) => disable(String(argument ?? 'Editing is not allowed any more.')),
}

// What the server tells; those that close the editor to the user.
const EVENTS = {
  onRequestRefreshFile: () => disable('This version of the document is out of date.'),
  onError: ({ errorDescription }) => disable(errorDescription),
  onWarning: ({ warningCode, warningDescription }) =>
    warningCode === -100 ? disable(warningDescription) : showNotice(warningDescription),
  onMetaChange: ({ title }) => showTitle(title),
}

window.addEventListener('message', ({ origin, source, data }) => {
  if (origin !== PARENT_ORIGIN || source !== window.parent) return
  if (Object.hasOwn(METHODS, data.method)) METHODS[data.method](data)
})

async function open(config) {
  showTitle(config.document?.title ?? '')
  showState('Loading…')
  const response = await post('', { config }).catch(() => undefined)
  if (response?.status !== 201) return disable('The emulator cannot be reached.')
  tab.id = (await response.json()).id
  stream = new EventSource(`${API.href}/${tab.id}/events`)
  stream.onmessage = ({ data }) => receive(JSON.parse(data))
  stream.onerror = () => {
    // A refused reconnection: the server has forgotten this tab.
    if (stream.readyState === EventSource.CLOSED && tab.isOpen) disable('The connection was lost.')
  }
}

async function refresh(config) {
  // Keystrokes made during the switch are lost, as in the real editor.
  clearTimeout(timer)
  if (!tab.isStrict) await send()
  unsent.clear()
  await post(`/${tab.id}/refresh`, { config })
  markChanged(false)
}

function receive({ event, content, edits, users }) {
  if (event) {
    EVENTS[event.name]?.(event.data)
    tellHost(event.name, event.data)
  }
  if (content) showContent(content)
  if (edits && !tab.isStrict) for (const { index, text } of edits) showText(index, text)
  if (users) showUsers(users)
}

function showTitle(title) {
  element('title').textContent = title
  document.title = `${title} — Emulator`
}

function showUsers(users) {
  element('users').replaceChildren(
    ...users.map(({ name, isEditor }) => {
      const item = document.createElement('li')
      item.textContent = isEditor ? name : `${name} (views)`
      item.classList.toggle('viewer', !isEditor)
      return item
    }),
  )
}

function showContent({ title, fileType, paragraphs, isReadable, canType, isStrict }) {
  Object.assign(tab, { isOpen: true, isStrict, canType, isWord: WORD_TYPES.includes(fileType) })
  showTitle(title)
  showNotice(isReadable ? '' : `The emulator cannot show the text of a ${fileType} file.`)
  element('sheet').classList.toggle('read-only', !canType)
  element('sheet').replaceChildren(...paragraphs.map((text, index) => makeParagraph(index, text)))
  for (const [index, text] of unsent) showText(index, text, true)
  if (canType && tab.isWord && paragraphs.length === 0) append()
  element('save').hidden = !canType
  element('edit').hidden = canType || !tab.listenedTo.includes('onRequestEditRights')
  element('close').hidden = !tab.listenedTo.includes('onRequestClose')
  showState(canType ? '' : 'View only')
}

function makeParagraph(index, text) {
  const paragraph = document.createElement(tab.isWord ? 'div' : 'textarea')
  paragraph.className = 'paragraph'
  paragraph.dataset.paragraph = String(index)
  paragraph.setAttribute('aria-label', tab.isWord ? `Paragraph ${index + 1}` : 'Text')
  if (tab.isWord) {
    paragraph.setAttribute('role', 'textbox')
    paragraph.setAttribute('contenteditable', tab.canType ? 'plaintext-only' : 'false')
    paragraph.textContent = text
  } else {
    paragraph.readOnly = !tab.canType
    paragraph.value = text
  }
  return paragraph
}

function paragraphAt(index) {
  return element('sheet').querySelector(`[data-paragraph="${Number(index)}"]`)
}

function textOf(paragraph) {
  return tab.isWord ? paragraph.textContent : paragraph.value
}

function showText(index, text, isOwn = false) {
  // The own newer text wins; it reaches the others in a moment.
  if (!isOwn && unsent.has(index)) return
  const paragraph = paragraphAt(index)
  if (!paragraph) element('sheet').append(makeParagraph(index, text))
  else if (textOf(paragraph) !== text) {
    if (tab.isWord) paragraph.textContent = text
    else paragraph.value = text
  }
}

function append() {
  const index = element('sheet').children.length
  const paragraph = makeParagraph(index, '')
  element('sheet').append(paragraph)
  return paragraph
}

function disable(reason) {
  tab.isOpen = false
  tab.canType = false
  clearTimeout(timer)
  unsent.clear()
  markChanged(false)
  for (const paragraph of element('sheet').children) {
    if (paragraph.tagName === 'TEXTAREA') paragraph.readOnly = true
    else paragraph.setAttribute('contenteditable', 'false')
  }
  element('save').hidden = true
  showState('')
  showNotice(reason)
}

function markChanged(next) {
  if (isChanged === next) return
  isChanged = next
  tellHost('onDocumentStateChange', next)
}

element('sheet').addEventListener('input', ({ target }) => {
  const paragraph = target.closest('[data-paragraph]')
  if (!paragraph || !tab.canType) return
  unsent.set(Number(paragraph.dataset.paragraph), textOf(paragraph))
  markChanged(true)
  showState('Changed')
  if (!tab.isStrict) sendSoon(SEND_AFTER_MS)
})

element('sheet').addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || !tab.isWord || !tab.canType) return
  event.preventDefault()
  const next = event.target.nextElementSibling ?? append()
  next.focus()
})

function sendSoon(ms) {
  clearTimeout(timer)
  timer = setTimeout(send, ms)
}

function unsentEdits() {
  return [...unsent].map(([index, text]) => ({ index, text })).sort((a, b) => a.index - b.index)
}

/** Sends what is not at the server yet, alone or with the order to save. */
async function send(action = 'edits') {
  if (tab.id === '') return
  if (isSending) return sendSoon(SEND_AFTER_MS)
  const edits = unsentEdits()
  if (edits.length === 0 && action === 'edits') return
  isSending = true
  const response = await post(`/${tab.id}/${action}`, { edits }).catch(() => undefined)
  isSending = false
  if (!response) return sendSoon(TRY_AGAIN_AFTER_MS)
  if (!response.ok) return disable('The connection was lost.')
  for (const { index, text } of edits) if (unsent.get(index) === text) unsent.delete(index)
  if (unsent.size > 0) return
  markChanged(false)
  showState(action === 'save' ? 'Saved' : 'All changes sent')
}

async function save() {
  if (!tab.canType) return
  clearTimeout(timer)
  while (isSending) await new Promise((resolve) => setTimeout(resolve, 50))
  showState('Saving…')
  await send('save')
}

element('save').addEventListener('click', save)
element('close').addEventListener('click', () => tellHost('onRequestClose'))
element('edit').addEventListener('click', () => tellHost('onRequestEditRights'))
window.addEventListener('keydown', (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== 's') return
  event.preventDefault()
  save()
})

function leave() {
  if (tab.id === '') return
  // In fast mode what was typed reaches the server; in strict mode it is lost unless saved.
  const edits = tab.isStrict ? [] : unsentEdits()
  // A beacon is sent even when the page goes away at once.
  navigator.sendBeacon(`${API.href}/${tab.id}/leave`, JSON.stringify({ edits }))
  stream?.close()
  tab.id = ''
}

window.addEventListener('pagehide', leave)

function post(path, body) {
  return fetch(`${API.href}${path}`, { method: 'POST', body: JSON.stringify(body) })
}

window.parent.postMessage({ isLoaded: true }, PARENT_ORIGIN)
