// The arrow keys go from row to row and stay in their column; Delete is what the menu's is.

/** @param onDelete called with the row */
export function startRowKeys(list, onDelete) {
  list.addEventListener('keydown', (event) => {
    const row = event.target.closest('tr[data-id]')
    if (row === null) return
    const next = { ArrowDown: row.nextElementSibling, ArrowUp: row.previousElementSibling }[event.key]
    if (next) {
      event.preventDefault()
      const { cellIndex } = event.target.closest('td')
      next.cells[cellIndex].querySelector('a, button, input')?.focus()
    }
    if (event.key === 'Delete') onDelete(row)
  })
}

/** Before a row goes: whoever was in it goes on in the one beside it. */
export function leaveRow(row) {
  const beside = row.nextElementSibling ?? row.previousElementSibling
  const { cellIndex = 1 } = document.activeElement.closest('td') ?? {}
  const next = beside?.cells[cellIndex].querySelector('a, button, input') ?? document.querySelector('h1')
  next.focus()
}
