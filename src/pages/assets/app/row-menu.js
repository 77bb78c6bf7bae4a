// One menu for all rows: it opens beside the button that was pressed. Source: ARIA APG, Menu Button.

const menu = document.getElementById('menu')
const all = [...menu.querySelectorAll('[role=menuitem]')]

let row

/**
 * @param linksOf addresses by `data-do` for a row; an item without one is not shown
 * @param actions by `data-do`, called with the row
 */
export function startRowMenu(linksOf, actions) {
  // Before the browser opens the menu, which is what the button does by itself.
  document.addEventListener('click', ({ target }) => {
    const button = target.closest('[popovertarget=menu]')
    if (button === null) return
    row = button.closest('tr')
    for (const [name, href] of Object.entries(linksOf(row))) {
      const item = itemOf(name)
      item.hidden = href === undefined
      item.href = href ?? ''
    }
  })
  menu.addEventListener('beforetoggle', () => {
    // Its size is known only once it is there, and then it is in a wrong place.
    menu.style.visibility = 'hidden'
  })
  menu.addEventListener('toggle', ({ newState }) => {
    if (newState !== 'open') return
    placeBeside(buttonOf(row))
    menu.style.visibility = ''
    all[0].focus()
  })
  menu.addEventListener('keydown', moveFocus)
  menu.addEventListener('click', ({ target }) => {
    const wanted = target.closest('[data-do]')?.dataset.do
    menu.hidePopover()
    buttonOf(row)?.focus()
    actions[wanted]?.(row)
  })
}

function itemOf(name) {
  return all.find((item) => item.dataset.do === name)
}

/** After a refresh the row is another element. */
function buttonOf({ dataset }) {
  return document.querySelector(`tr[data-id="${CSS.escape(dataset.id)}"] [popovertarget=menu]`)
}

function placeBeside(button) {
  const at = button.getBoundingClientRect()
  const { offsetWidth: width, offsetHeight: height } = menu
  const below = at.bottom + height <= innerHeight ? at.bottom : Math.max(0, at.top - height)
  menu.style.top = `${below}px`
  menu.style.left = `${Math.max(0, Math.min(at.right, innerWidth) - width)}px`
}

function moveFocus(event) {
  const items = all.filter(({ hidden }) => !hidden)
  const at = items.indexOf(document.activeElement)
  const next = {
    ArrowDown: items[(at + 1) % items.length],
    ArrowUp: items.at(at - 1),
    Home: items[0],
    End: items.at(-1),
  }[event.key]
  if (event.key === 'Tab') menu.hidePopover()
  else if (next === undefined && event.key.length === 1) {
    items.find((item) => item.textContent.toLowerCase().startsWith(event.key.toLowerCase()))?.focus()
  }
  if (next === undefined) return
  event.preventDefault()
  next.focus()
}
