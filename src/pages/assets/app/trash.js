// The page of deleted documents.

import { listen } from './live.js'
import { address, go, navigateInPlace, reload } from './navigation.js'
import { restore } from './restore.js'
import { leaveRow, startRowKeys } from './row-keys.js'
import { chooseNone, startSelection } from './selection.js'
import { showTimes } from './times.js'

const list = document.getElementById('list')
const filter = document.getElementById('filter')

showTimes()
listen({ onLine: (isThere) => isThere || reload() })
navigateInPlace(() => {
  chooseNone()
  const { workspaceId } = filter.elements
  if (workspaceId) workspaceId.value = document.getElementById('where').dataset.workspaceId
})
startSelection({ restore })
startRowKeys(list, () => {})

list.addEventListener('click', ({ target }) => {
  const button = target.closest('[data-restore]')
  if (button === null) return
  const row = button.closest('tr')
  leaveRow(row)
  restore([row.dataset.id])
})
filter.addEventListener('change', ({ target }) => {
  chooseNone()
  go(address('/trash', { workspaceId: target.value }))
})
