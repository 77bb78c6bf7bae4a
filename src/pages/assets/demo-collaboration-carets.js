import * as Y from 'yjs'

/** Flags that would leave the note on the right turn to the left. */
const FLAG_PX = 140

/**
 * Tells others where the caret is.
 *
 * @param text as the textarea shows it
 */
export function shareCaret(area, text, awareness) {
  const position = (index) => Y.relativePositionToJSON(Y.createRelativePositionFromTypeIndex(text, index))
  const tell = () => {
    const { selectionStart, selectionEnd } = area
    const cursor =
      document.activeElement === area
        ? { anchor: position(selectionStart), head: position(selectionEnd) }
        : null
    awareness.setLocalStateField('cursor', cursor)
  }
  document.addEventListener('selectionchange', tell)
  area.addEventListener('input', tell)
  area.addEventListener('focus', tell)
  area.addEventListener('blur', tell)
}

/** Draws other people's carets and selections into an element that lays out the text as the textarea does. */
export function drawCarets(mirror, text, awareness) {
  const carets = caretsOf(text, awareness)
  const content = text.toString()
  const cuts = [...new Set([0, content.length, ...carets.flatMap(({ from, to }) => [from, to])])].toSorted(
    (a, b) => a - b,
  )
  const parts = []
  for (const [number, at] of cuts.entries()) {
    for (const caret of carets) if (caret.head === at) parts.push(flagged(caret))
    const next = cuts[number + 1]
    if (next === undefined) break
    const selected = carets.findLast(({ from, to }) => from <= at && next <= to)
    parts.push(selected === undefined ? content.slice(at, next) : marked(content.slice(at, next), selected))
  }
  // A last line without letters has no height otherwise.
  mirror.replaceChildren(...parts, '\u200b')
  for (const caret of mirror.querySelectorAll('.caret')) {
    caret.classList.toggle('turned', caret.offsetLeft + FLAG_PX > mirror.clientWidth)
  }
}

function caretsOf(text, awareness) {
  const index = (position) => {
    const found = Y.createAbsolutePositionFromRelativePosition(
      Y.createRelativePositionFromJSON(position),
      text.doc,
    )
    return found?.type === text ? found.index : undefined
  }
  return [...awareness.getStates()].flatMap(([client, { user, cursor }]) => {
    if (client === awareness.clientID || !cursor || !user) return []
    const anchor = index(cursor.anchor)
    const head = index(cursor.head)
    // Letters that are still on the way.
    if (anchor === undefined || head === undefined) return []
    return [{ ...user, head, from: Math.min(anchor, head), to: Math.max(anchor, head) }]
  })
}

function flagged({ name, color }) {
  const flag = document.createElement('span')
  flag.className = 'flag'
  flag.textContent = name
  const caret = document.createElement('span')
  caret.className = 'caret'
  caret.style.setProperty('--person', color)
  caret.append(flag)
  return caret
}

function marked(content, { color }) {
  const selection = document.createElement('span')
  selection.className = 'selection'
  selection.style.setProperty('--person', color)
  selection.textContent = content
  return selection
}
