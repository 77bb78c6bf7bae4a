// The page of one document.

import { copy, discard, move, startRename, undelete } from './document-head.js'
import { makeLink, revoke } from './document-links.js'
import { label, restore } from './document-versions.js'
import { startDownloads } from './download-as.js'
import { listen, refresh, refreshSoon } from './live.js'
import { showSaveState, showToldState } from './save-state.js'
import { page } from './service.js'
import { showTimes } from './times.js'
import { toast } from './toast.js'

/** The picture is looked for so often, each time a little later. */
const MOST_LOOKS = 40
const FIRST_LOOK_MS = 1500
/** Who joined by other ways than the editor comes and goes without a word. */
const LOOK_AGAIN_MS = 20_000

const ACTIONS = { copy, move, delete: discard, undelete, restore, label, revoke, 'new-link': makeLink }

let looks = 0
let isLooking = false

function lookForPicture() {
  if (isLooking || looks >= MOST_LOOKS || document.querySelector('[data-awaited]') === null) return
  isLooking = true
  looks += 1
  setTimeout(
    () => {
      isLooking = false
      refresh().catch(lookForPicture)
    },
    FIRST_LOOK_MS * (1 + looks / 4),
  )
}

/** The button that was pressed may be another element by now. */
function giveFocusBack(id) {
  if (document.activeElement !== document.body) return
  const button = document.getElementById(id) ?? document.getElementById('heading')
  button?.focus()
}

document.addEventListener('click', async ({ target }) => {
  const button = target.closest('button[data-do]')
  const action = ACTIONS[button?.dataset.do]
  if (action === undefined) return
  button.ariaBusy = 'true'
  try {
    await action(button.dataset)
  } catch (error) {
    toast(error.message, { isFault: true })
  } finally {
    button.ariaBusy = null
    giveFocusBack(button.id)
  }
})

document.addEventListener('refreshed', () => {
  const isInTrash = document.getElementById('undelete') !== null
  // Somebody else has deleted it, or taken it out: another page.
  if (isInTrash === (document.getElementById('save-state') !== null)) return location.reload()
  showSaveState()
  document.title = `${document.getElementById('heading').textContent} · docs-connector`
  lookForPicture()
})

// A picture that cannot be loaded says nothing.
document.addEventListener(
  'error',
  ({ target }) => target instanceof HTMLImageElement && target.remove(),
  true,
)

const listeners = {
  'save-state': (told) => {
    showToldState(told)
    if (told.state === 'saved') refreshSoon()
  },
  users: refreshSoon,
  'head-changed': () => {
    looks = 0
    refreshSoon()
  },
}

setInterval(() => document.visibilityState === 'visible' && refreshSoon(), LOOK_AGAIN_MS)

listen({
  documentId: page.documentId,
  listeners,
  onLine: (isThere) => {
    document.getElementById('offline').hidden = isThere
  },
})
startRename()
startDownloads()
showTimes()
showSaveState()
lookForPicture()
