// Dialogs of the page itself: focus, Escape and the background are the browser's.

/**
 * Shows a `<dialog>` of the page and waits for it.
 *
 * @param fill puts things into it before it is shown
 * @returns its form's values, undefined when it was dismissed
 */
export function ask(id, fill = () => {}) {
  const dialog = document.getElementById(id)
  const form = dialog.querySelector('form')
  form.reset()
  fill(dialog)
  dialog.showModal()
  return new Promise((resolve) => {
    dialog.addEventListener(
      'close',
      () => resolve(dialog.returnValue === 'yes' ? new FormData(form) : undefined),
      { once: true },
    )
    dialog.returnValue = ''
  })
}
