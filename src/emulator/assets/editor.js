// The editor page of the emulator. It speaks with the host page by messages and with the server by
// fetch (edits, saving) and an event stream (everything else).
import './tools.js'
import { isDeclared, PARENT_ORIGIN, tellHost } from './host.js'
import { callMethod, takesMethod } from './methods.js'
import { disable, discard, lastEdits, leave, save, send, showContent, showText } from './sheet.js'
import { addressOf, element, make, post, showNotice, showState, showTitle, tab, tabChanged } from './tab.js'

let stream
/** Calls of methods wait for the opening and for each other. */
let queue = Promise.resolve()
let wasReady = false

// What the server tells; those that close the editor to the user.
const EVENTS = {
  onRequestRefreshFile: () => disable('This version of the document is out of date.'),
  onError: ({ errorDescription }) => disable(errorDescription),
  onWarning: ({ warningCode, warningDescription }) =>
    warningCode === -100 ? disable(warningDescription) : showNotice(warningDescription),
  onMetaChange: ({ title }) => showTitle(title),
  onSubmit: () => submitted(),
}

window.addEventListener('message', ({ origin, source, data }) => {
  if (origin !== PARENT_ORIGIN || source !== window.parent) return
  if (data.method === 'open') queue = open(data)
  else if (data.method === 'leave') go()
  else if (data.method === 'refreshFile') inTurn(() => refresh(data.config))
  else if (takesMethod(data.method)) inTurn(() => callMethod(data.method, data.argument))
})

function inTurn(act) {
  queue = queue.then(act).catch(reportError)
}

async function open({ config, events }) {
  Object.assign(tab, { config, events })
  showTitle(config.document?.title ?? '')
  showState('Loading…')
  const response = await post('', { config }).catch(() => undefined)
  if (response?.status !== 201) return disable('The emulator cannot be reached.')
  tab.id = (await response.json()).id
  stream = new EventSource(addressOf(`/${tab.id}/events`))
  stream.onmessage = ({ data }) => receive(JSON.parse(data))
  stream.onerror = () => {
    // A refused reconnection: the server has forgotten this tab.
    if (stream.readyState === EventSource.CLOSED && tab.isOpen) disable('The connection was lost.')
  }
}

async function refresh(config) {
  // Keystrokes made during the switch are lost, as in the real editor; in strict mode all unsaved text.
  if (lastEdits().length > 0) await send()
  discard()
  await post(`/${tab.id}/refresh`, { config })
}

function receive({ event, content, edits, users, isChangedByOthers }) {
  if (event) {
    EVENTS[event.name]?.(event.data)
    tellOf(event)
  }
  if (content) showContent(content)
  if (edits) for (const { index, text } of edits) showText(index, text)
  if (users) showUsers(users)
  if (isChangedByOthers && tab.canType) tellHost('onCollaborativeChanges')
}

function tellOf({ name, data }) {
  // Hosts of before Document Server 8.3 listen to this one only.
  const isOld = name === 'onRequestRefreshFile' && !isDeclared(name)
  tellHost(isOld ? 'onOutdatedVersion' : name, data)
  if (name !== 'onDocumentReady' || wasReady) return
  wasReady = true
  if (tab.config.editorConfig?.customization?.plugins !== false) tellHost('onPluginsReady')
}

function showUsers(users) {
  element('users').replaceChildren(
    ...users.map(({ name, isEditor }) =>
      make('li', {
        textContent: isEditor ? name : `${name} (views)`,
        className: isEditor ? '' : 'viewer',
      }),
    ),
  )
}

function submitted() {
  const { submitForm } = tab.config.editorConfig?.customization ?? {}
  showNotice(submitForm?.resultMessage ?? 'Form submitted successfully')
  tabChanged()
}

function go() {
  leave()
  stream?.close()
}

window.addEventListener('keydown', (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== 's') return
  event.preventDefault()
  save()
})
window.addEventListener('pagehide', go)

window.parent.postMessage({ isLoaded: true }, PARENT_ORIGIN)
