// Which rows of a list are selected. Rows come and go with every refresh: they are known by their id.

const list = document.getElementById('list')
const bar = document.querySelector('#chosen [role=group]')

const chosen = new Set()
let latest

export function chosenIds() {
  return [...chosen]
}

export function chooseNone() {
  chosen.clear()
  show()
}

const rows = () => [...list.querySelectorAll('tr[data-id]')]
const boxOf = (row) => row.querySelector('input[type=checkbox]')

/** Keeps boxes, the bar and what is chosen in step. @param actions by `data-do` of the bar's buttons */
export function startSelection(actions) {
  list.addEventListener('click', ({ target, shiftKey }) => {
    // Beside the box counts as well.
    if (target.matches('.check, td:first-child')) return target.querySelector('input').click()
    if (target.type !== 'checkbox') return
    if (target.id === 'all') choose(rows(), target.checked)
    else chooseUpTo(target.closest('tr'), target.checked, shiftKey)
    show()
  })
  bar.addEventListener('click', ({ target }) => {
    const wanted = target.closest('button')?.dataset.do
    if (wanted === 'none') chooseNone()
    else actions[wanted]?.(chosenIds())
    if (bar.hidden) document.getElementById('all')?.focus()
  })
  document.addEventListener('refreshed', () => {
    const there = new Set(rows().map((row) => row.dataset.id))
    for (const id of chosen) if (!there.has(id)) chosen.delete(id)
    show()
  })
}

/** With the shift key: everything from the row that was chosen before. */
function chooseUpTo(row, isChosen, isRange) {
  const all = rows()
  const from = all.findIndex((one) => one.dataset.id === latest)
  const to = all.indexOf(row)
  choose(isRange && from >= 0 ? all.slice(Math.min(from, to), Math.max(from, to) + 1) : [row], isChosen)
  latest = row.dataset.id
}

function choose(some, isChosen) {
  for (const { dataset } of some) chosen[isChosen ? 'add' : 'delete'](dataset.id)
}

function show() {
  const all = rows()
  for (const row of all) {
    const isChosen = chosen.has(row.dataset.id)
    boxOf(row).checked = isChosen
    row.classList.toggle('chosen', isChosen)
  }
  const box = document.getElementById('all')
  if (box !== null) {
    box.checked = chosen.size > 0 && chosen.size === all.length
    box.indeterminate = chosen.size > 0 && chosen.size < all.length
  }
  bar.hidden = chosen.size === 0
  bar.querySelector('output').textContent = `${chosen.size} selected`
}
