// "Saving…", "Saved 14:02:11", "Not saved": how the document's saves stand, in words and colour.

const TIME = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' })
const DAY_AND_TIME = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })

const WORDS = {
  saving: () => 'Saving…',
  saved: (at) => `Saved ${shown(at)}`,
  'not-saved': (at) => `Not saved ${shown(at)}`,
}

function shown(at) {
  const isToday = at.toDateString() === new Date().toDateString()
  return (isToday ? TIME : DAY_AND_TIME).format(at)
}

/** From what the service wrote into the page. */
export function showSaveState() {
  const state = document.getElementById('save-state')
  if (state === null) return
  const { state: name, at } = state.dataset
  const words = WORDS[name](new Date(at))
  if (state.textContent !== words) state.textContent = words
  document.getElementById('not-saved').hidden = name !== 'not-saved'
}

/** From what the service told the open page. */
export function showToldState({ state, at }) {
  const place = document.getElementById('save-state')
  if (place === null) return
  Object.assign(place.dataset, { state, at })
  // The next look at the service counts again, even if it says the same as the one before.
  delete place.closest('[data-live]').dataset.shown
  showSaveState()
}
