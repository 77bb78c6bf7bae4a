// The document's text: shown, typed, and sent to the server.
import { tellHost } from './host.js'
import { addressOf, element, make, post, showNotice, showState, showTitle, tab, tabChanged } from './tab.js'

const SEND_AFTER_MS = 200
const TRY_AGAIN_AFTER_MS = 1000
const WORD_TYPES = ['docx', 'docm', 'dotx', 'dotm']

/** Text that is not at the server yet, by paragraph. */
const unsent = new Map()
let isChanged = false
let isSending = false
let timer

export function showContent({ title, fileType, paragraphs, isReadable, canType, isStrict }) {
  Object.assign(tab, { isOpen: true, isStrict, canType, isWord: WORD_TYPES.includes(fileType) })
  showTitle(title)
  showNotice(isReadable ? '' : `The emulator cannot show the text of a ${fileType} file.`)
  element('sheet').classList.toggle('read-only', !canType)
  element('sheet').replaceChildren(...paragraphs.map((text, index) => makeParagraph(index, text)))
  for (const [index, text] of unsent) showText(index, text, true)
  if (canType && tab.isWord && paragraphs.length === 0) append()
  showState(canType ? '' : 'View only')
  tabChanged()
}

export function showText(index, text, isOwn = false) {
  // The own newer text wins; it reaches the others in a moment.
  if (!isOwn && unsent.has(index)) return
  const paragraph = element('sheet').querySelector(`[data-paragraph="${Number(index)}"]`)
  if (!paragraph) element('sheet').append(makeParagraph(index, text))
  else if (textOf(paragraph) !== text) {
    if (tab.isWord) paragraph.textContent = text
    else paragraph.value = text
  }
}

function makeParagraph(index, text) {
  const paragraph = make(tab.isWord ? 'div' : 'textarea', {
    className: 'paragraph',
    dataset: { paragraph: index },
  })
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

function textOf(paragraph) {
  return tab.isWord ? paragraph.textContent : paragraph.value
}

function append() {
  const paragraph = makeParagraph(element('sheet').children.length, '')
  element('sheet').append(paragraph)
  return paragraph
}

/** Ends the typing; what was not sent is lost. */
export function lock() {
  tab.isOpen = false
  tab.canType = false
  discard()
  for (const paragraph of element('sheet').children) {
    if (paragraph.tagName === 'TEXTAREA') paragraph.readOnly = true
    else paragraph.setAttribute('contenteditable', 'false')
  }
  tabChanged()
}

/** Nothing more can be done in this tab. */
export function disable(reason) {
  lock()
  showState('')
  showNotice(reason)
}

export function discard() {
  clearTimeout(timer)
  unsent.clear()
  markChanged(false)
}

export function hasUnsent() {
  return unsent.size > 0
}

export function unsentEdits() {
  return [...unsent].map(([index, text]) => ({ index, text })).sort((a, b) => a.index - b.index)
}

/** What a tab that goes away hands over: in strict mode nothing, its text is lost unless saved. */
export function lastEdits() {
  return tab.isStrict ? [] : unsentEdits()
}

function markChanged(next) {
  if (isChanged === next) return
  isChanged = next
  tellHost('onDocumentStateChange', next)
}

function sendSoon(ms) {
  clearTimeout(timer)
  timer = setTimeout(send, ms)
}

/** Sends what is not at the server yet, alone or with an order: save, mode, submit. */
export async function send(action = 'edits', more = {}) {
  if (tab.id === '') return
  if (isSending) {
    if (action === 'edits') return sendSoon(SEND_AFTER_MS)
    while (isSending) await new Promise((resolve) => setTimeout(resolve, 50))
  }
  const edits = unsentEdits()
  if (edits.length === 0 && action === 'edits') return
  clearTimeout(timer)
  isSending = true
  const response = await post(`/${tab.id}/${action}`, { edits, ...more }).catch(() => undefined)
  isSending = false
  if (!response) return sendSoon(TRY_AGAIN_AFTER_MS)
  if (!response.ok) return disable('The connection was lost.')
  for (const { index, text } of edits) if (unsent.get(index) === text) unsent.delete(index)
  if (unsent.size > 0) return
  markChanged(false)
  if (tab.canType) showState(action === 'save' ? 'Saved' : 'All changes sent')
}

export async function save() {
  if (!tab.canType) return
  showState('Saving…')
  await send('save')
}

/** A beacon is sent even when the page goes away at once. */
export function leave() {
  if (tab.id === '') return
  navigator.sendBeacon(addressOf(`/${tab.id}/leave`), JSON.stringify({ edits: lastEdits() }))
  tab.id = ''
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
