import * as Y from 'yjs'

/** Marks what was typed here. */
const TYPED = Symbol('typed')
/** Marks what goes between the two documents. */
const PASSED = Symbol('passed')

/**
 * Binds a textarea to the text `name` of a shared document.
 *
 * Nothing may touch a textarea while an input method composes in it. So the textarea has a document
 * of its own: what is typed goes on at once, what comes from others waits until the composition
 * ends, and Yjs puts both together.
 *
 * @param onChange the textarea shows another text
 * @returns the text as the textarea shows it
 */
export function bindTextarea(area, doc, name, onChange) {
  const shown = new Y.Doc()
  const text = shown.getText(name)
  const undo = new Y.UndoManager(text, { trackedOrigins: new Set([TYPED]) })
  let isComposing = false
  let held = []

  Y.applyUpdate(shown, Y.encodeStateAsUpdate(doc), PASSED)
  area.value = text.toString()
  shown.on('update', (update, origin) => {
    if (origin !== PASSED) Y.applyUpdate(doc, update, PASSED)
  })
  doc.on('update', (update, origin) => {
    if (origin === PASSED) return
    if (isComposing) held.push(update)
    else Y.applyUpdate(shown, update, PASSED)
  })
  text.observe(({ delta }, { origin }) => {
    if (origin !== TYPED) show(area, delta)
    onChange()
  })

  area.addEventListener('input', () => {
    const { start, end, inserted } = editBetween(text.toString(), area.value, area.selectionEnd)
    shown.transact(() => {
      text.delete(start, end - start)
      text.insert(start, inserted)
    }, TYPED)
  })
  area.addEventListener('compositionstart', () => {
    isComposing = true
  })
  area.addEventListener('compositionend', () => {
    isComposing = false
    const updates = held
    held = []
    for (const update of updates) Y.applyUpdate(shown, update, PASSED)
  })
  // The browser's own undo knows nothing of what others wrote in between.
  area.addEventListener('keydown', (event) => {
    const key = event.key.toLowerCase()
    if (!(event.ctrlKey || event.metaKey) || event.altKey || (key !== 'z' && key !== 'y')) return
    event.preventDefault()
    if (key === 'y' || event.shiftKey) undo.redo()
    else undo.undo()
  })
  return text
}

/** Changes only what changed: caret and selection stay where they are in the text. */
function show(area, delta) {
  let at = 0
  for (const { retain = 0, insert = '', delete: deleted = 0 } of delta) {
    at += retain
    if (insert !== '' || deleted > 0) area.setRangeText(insert, at, at + deleted, 'preserve')
    at += insert.length
  }
}

/**
 * The smallest edit that makes one text of the other; of equal letters the one at the caret.
 *
 * @param caret behind what was inserted
 */
export function editBetween(before, after, caret) {
  const mostBehind = Math.min(before.length, after.length - caret)
  let behind = 0
  while (behind < mostBehind && before.at(-1 - behind) === after.at(-1 - behind)) behind++
  if (isSecondHalf(before, before.length - behind) || isSecondHalf(after, after.length - behind)) behind--
  const most = Math.min(before.length, after.length) - behind
  let start = 0
  while (start < most && before[start] === after[start]) start++
  if (isSecondHalf(before, start) || isSecondHalf(after, start)) start--
  return { start, end: before.length - behind, inserted: after.slice(start, after.length - behind) }
}

/** Half a character must never be sent. Source: Unicode, surrogate pairs. */
function isSecondHalf(text, at) {
  const code = text.charCodeAt(at)
  return at > 0 && code >= 0xdc00 && code <= 0xdfff
}
