// Puts a button to copy it on every block of code.

const SHOWN_MS = 2000

for (const block of document.querySelectorAll('figure.code')) {
  const button = document.createElement('button')
  button.type = 'button'
  button.className = 'plain copy'
  button.textContent = 'Copy'
  button.addEventListener('click', async () => {
    const code = block.querySelector('code')
    button.textContent = (await copied(code.textContent)) ? 'Copied' : 'Selected'
    if (button.textContent === 'Selected') getSelection().selectAllChildren(code)
    setTimeout(() => (button.textContent = 'Copy'), SHOWN_MS)
  })
  block.prepend(button)
}

/** Only pages over https, or of this machine, may write to the clipboard. */
async function copied(text) {
  try {
    await navigator.clipboard.writeText(`${text}\n`)
    return true
  } catch {
    return false
  }
}
