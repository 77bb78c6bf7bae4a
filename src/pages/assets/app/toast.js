// Short words on what was done or what went wrong, read out by screen readers.

const SHOWN_MS = 6000

/** @param undo called by a button beside the words, if given */
export function toast(words, { isFault = false, undo } = {}) {
  const line = document.createElement('p')
  line.className = isFault ? 'toast fault' : 'toast'
  line.textContent = words
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
  document.getElementById('toasts').append(line)
  setTimeout(() => line.remove(), isFault ? 2 * SHOWN_MS : SHOWN_MS)
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
