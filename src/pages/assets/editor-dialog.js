// Asks people to choose: a document of the workspace, or a picture from their machine.

/** Makes an element with its text and attributes. */
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
  made.append(...children)
  return made
}

function opened(title, text) {
  const cancel = element('button', { type: 'button', class: 'plain' }, text('cancel'))
  const heading = element('h2', { id: 'dialog-title' }, title)
  const body = element('div', { class: 'dialog-body' })
  const dialog = element('dialog', { 'aria-labelledby': 'dialog-title' }, heading, body, cancel)
  document.body.append(dialog)
  const { promise, resolve } = Promise.withResolvers()
  cancel.addEventListener('click', () => dialog.close())
  const before = document.activeElement
  dialog.addEventListener('close', () => {
    dialog.remove()
    // Browsers do not give it back to a frame.
    before?.focus()
    resolve(undefined)
  })
  dialog.showModal()
  const choose = (value) => {
    resolve(value)
    dialog.close()
  }
  return { body, choose, chosen: promise }
}

/** @param find gives documents for a search text. @returns the chosen one, undefined when cancelled */
export function chooseDocument(text, find) {
  const { body, choose, chosen } = opened(text('chooseDocument'), text)
  const search = element('input', {
    type: 'search',
    'aria-label': text('search'),
    placeholder: text('search'),
  })
  const list = element('ul', { class: 'choices', role: 'list' })
  body.append(search, list)
  search.focus()

  let asked = 0
  async function show() {
    const turn = ++asked
    let documents
    try {
      documents = await find(search.value)
    } catch (error) {
      list.replaceChildren(element('li', { class: 'fault' }, text('failed', { message: error.message })))
      return
    }
    // Answers may overtake each other.
    if (turn !== asked) return
    list.replaceChildren(
      ...documents.map((one) => {
        const place = one.folder === '/' ? [] : [' ', element('span', { class: 'quiet' }, one.folder)]
        const button = element('button', { type: 'button', class: 'plain' }, one.title, ...place)
        button.addEventListener('click', () => choose(one))
        return element('li', {}, button)
      }),
      ...(documents.length === 0 ? [element('li', { class: 'quiet' }, text('noneFound'))] : []),
    )
  }
  search.addEventListener('input', show)
  void show()
  return chosen
}

/** @returns the chosen file, undefined when cancelled */
export function chooseImage(text) {
  const { body, choose, chosen } = opened(text('chooseImage'), text)
  const input = element('input', {
    type: 'file',
    accept: 'image/png,image/jpeg,image/gif,image/bmp',
    'aria-label': text('chooseImage'),
  })
  input.addEventListener('change', () => input.files[0] && choose(input.files[0]))
  body.append(input)
  input.focus()
  return chosen
}
