// Short words on what was done or what went wrong, read out by screen readers.

const SHOWN_MS = 6000

/** @param undo called by a button beside the words, if given */
export function toast(words, { isFault = false, undo } = {}) {
  const place = document.getElementById('toasts')
  // The same fault is not told beside itself; what can be undone is.
  for (const told of isFault ? [...place.children] : [])
    if (told.firstChild.textContent === words) told.remove()
  const line = document.createElement('p')
  line.className = isFault ? 'toast fault' : 'toast'
  const said = document.createElement('span')
  said.className = 'sentence'
  said.textContent = words
  line.append(said)
  if (undo !== undefined) {
    const button = document.createElement('button')
    button.type = 'button'
    button.className = 'plain'
    button.textContent = 'Undo'
    button.addEventListener('click', () => {
      line.remove()
      undo()
    })
    line.append(button)
  }
  place.append(line)
  let ending
  const stay = () => clearTimeout(ending)
  const leave = () => {
    stay()
    ending = setTimeout(() => line.remove(), isFault ? 2 * SHOWN_MS : SHOWN_MS)
  }
  // Whoever reads it or is about to press its button has time. Source: WCAG 2.2, Timing Adjustable.
  for (const name of ['pointerenter', 'focusin']) line.addEventListener(name, stay)
  for (const name of ['pointerleave', 'focusout']) line.addEventListener(name, leave)
  leave()
}

/** Runs an action; a refusal is told in the service's own words. */
export async function attempt(action, done) {
  try {
    const result = await action()
    if (done !== undefined) toast(typeof done === 'function' ? done(result) : done)
    return result
  } catch (error) {
    toast(error.message, { isFault: true })
    return undefined
  }
}
