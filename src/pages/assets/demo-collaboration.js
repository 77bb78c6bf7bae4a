import { NutoCollaboration } from '@nutooffice/sdk/collaboration'
import * as Y from 'yjs'
import { drawCarets, shareCaret } from './demo-collaboration-carets.js'
import { bindTextarea } from './demo-collaboration-text.js'

const { basePath, documentId, token, user } = JSON.parse(document.getElementById('page').textContent)
const area = document.getElementById('note')
const mirror = document.getElementById('mirror')
const state = document.getElementById('state')
const people = document.getElementById('people')
const offline = document.getElementById('offline')
const told = document.getElementById('told')
const trouble = document.getElementById('trouble')

const STATES = {
  connecting: 'Connecting …',
  saved: 'Saved',
  saving: 'Saving …',
  offline: 'Offline',
  waiting: 'Offline: your changes wait here',
  ended: 'Ended: load the page again',
}
const TROUBLES = {
  'update-too-large': 'What you put in is too large to be shared: undo it, or it stays on this page only.',
  'update-refused': 'The service does not take what you wrote: it stays on this page only.',
  'token-refused': 'You may not write here any more: load the page again.',
  'join-refused': 'The note is not there any more: load the page again.',
}

const doc = new Y.Doc()
const collaboration = new NutoCollaboration({
  serverUrl: location.origin + basePath,
  documentId,
  token,
  doc,
  user,
})
const { awareness } = collaboration

let isDrawing = false
/** Once for each frame, however much arrives. */
function draw() {
  if (isDrawing) return
  isDrawing = true
  requestAnimationFrame(() => {
    isDrawing = false
    drawCarets(mirror, text, awareness)
  })
}
const text = bindTextarea(area, doc, 'note', draw)
shareCaret(area, text, awareness)
new ResizeObserver(draw).observe(area)

let wasConnected = false
function showState() {
  const { status, isSynced, isSaved } = collaboration
  const away = isSaved ? 'offline' : 'waiting'
  const isConnected = status === 'connected' && isSynced
  const name =
    status === 'ended'
      ? 'ended'
      : isConnected
        ? isSaved
          ? 'saved'
          : 'saving'
        : wasConnected
          ? away
          : 'connecting'
  if (isConnected) wasConnected = true
  state.dataset.state = name
  state.textContent = STATES[name]
}

function showPeople() {
  const others = [...awareness.getStates()].filter(([client]) => client !== awareness.clientID)
  const chips = [[awareness.clientID, { user: { ...user, name: `${user.name} (you)` } }], ...others]
  people.replaceChildren(
    ...chips.flatMap(([, { user: person }]) => {
      if (!person) return []
      const chip = document.createElement('li')
      chip.style.setProperty('--person', person.color)
      chip.textContent = person.name
      return [chip]
    }),
  )
}

const names = new Map()
/** Who comes and goes, in words. */
function tellPeople({ added, updated, removed }) {
  const came = [...added, ...updated].flatMap((client) => {
    const name = awareness.getStates().get(client)?.user?.name
    if (client === awareness.clientID || name === undefined || names.has(client)) return []
    names.set(client, name)
    return [`${name} is here.`]
  })
  const went = removed.flatMap((client) => {
    const name = names.get(client)
    return names.delete(client) && collaboration.isSynced ? [`${name} has left.`] : []
  })
  if (came.length + went.length > 0) told.textContent = [...came, ...went].join(' ')
}

function showTrouble(message) {
  trouble.textContent = message ?? ''
  trouble.hidden = message === undefined
}

awareness.on('change', (changes) => {
  showPeople()
  tellPeople(changes)
  draw()
})
collaboration.on('status', (status) => {
  showState()
  if (status === 'ended') area.readOnly = true
})
collaboration.on('synced', (isSynced) => {
  showState()
  told.textContent = isSynced ? 'Connected.' : 'No connection: you can go on writing.'
})
collaboration.on('saved', (isSaved) => {
  showState()
  if (isSaved) showTrouble(undefined)
})
collaboration.on('error', ({ code }) => {
  if (code in TROUBLES) showTrouble(TROUBLES[code])
})
collaboration.on('restored', () => {
  showTrouble('The document was restored to another version: load the page again to go on from there.')
})

offline.addEventListener('click', () => {
  const isOffline = offline.getAttribute('aria-pressed') !== 'true'
  offline.setAttribute('aria-pressed', String(isOffline))
  if (isOffline) collaboration.disconnect()
  else collaboration.connect()
})
addEventListener('beforeunload', (event) => {
  if (!collaboration.isSaved) event.preventDefault()
})

showState()
showPeople()
draw()
area.focus()
