// The page's line to the site that frames it, over a port that the site's SDK hands over: what
// happens here is told there, and what is asked there is done here, with what this page may.

const HELLO = 'nuto-editor:hello'
const PORT = 'nuto-editor:port'
/** The SDK's name for its frame. */
const SDK_FRAME = 'nuto-editor'
/** Kept for a site that answers; one without the SDK never does. */
const MOST_WAITING = 50
/** How long a save waits for typed text to reach Document Server: in strict mode it may never go. */
const TEXT_WAIT_MS = 2000

/** @param onRenamed gets the new title, without its extension */
export function connectHost({ service, onRenamed }) {
  const isFramed = window.parent !== window
  const waiting = []
  /** JSON of what was told last, by event. */
  const told = new Map()
  let port
  /** There is text that was typed here and that Document Server does not have yet. */
  let hasOwnText = false
  let saves = []

  const COMMANDS = {
    save: async () => {
      if (hasOwnText)
        await new Promise((go) => {
          saves.push(go)
          setTimeout(go, TEXT_WAIT_MS)
        })
      return service.post('/save')
    },
    setTitle: async (wanted) => onRenamed((await service.post('/rename', { title: wanted })).title),
  }

  function send(message) {
    if (port !== undefined) port.postMessage(message)
    else if (isFramed && waiting.length < MOST_WAITING) waiting.push(message)
  }

  async function answer({ id, command, argument }) {
    try {
      if (!Object.hasOwn(COMMANDS, command)) throw new Error(`${command} is not known here`)
      send({ id, result: await COMMANDS[command](argument) })
    } catch (error) {
      const { code = error instanceof TypeError ? 'network-error' : 'failed', message } = error
      send({ id, error: { code, message } })
    }
  }

  // Of whoever frames the page, which the policy's frame-ancestors decides, and only once.
  function takePort({ source, data, ports: [given] }) {
    if (source !== window.parent || data !== PORT || given === undefined) return
    window.removeEventListener('message', takePort)
    port = given
    port.onmessage = (message) => answer(message.data)
    for (const message of waiting.splice(0)) port.postMessage(message)
  }

  /** What is the same as before tells nothing new. */
  function tell(event, data = {}) {
    const words = JSON.stringify(data)
    if (told.get(event) === words) return
    told.set(event, words)
    send({ event, data })
  }

  if (isFramed) {
    window.addEventListener('message', takePort)
    // Who frames the page is not known yet: nothing of the document is in it.
    window.parent.postMessage(HELLO, '*')
  }

  return {
    tell,
    noteOwnText(isThere) {
      hasOwnText = isThere
      if (isThere) return
      for (const go of saves) go()
      saves = []
    },
    /** What the editor is listened to for. */
    events: {
      ...(isFramed ? { onDocumentReady: () => tell('ready') } : {}),
      // A cross that closes nothing is not shown.
      ...(isFramed && window.name === SDK_FRAME ? { onRequestClose: close } : {}),
    },
    /** @param stream of the service's events */
    follow(stream) {
      stream.addEventListener('save-state', ({ data }) => {
        const { state, at, versionNumber } = JSON.parse(data)
        if (state === 'saved' && versionNumber !== undefined) tell('save', { versionNumber, savedAt: at })
      })
    },
  }

  async function close() {
    await service.post('/close').catch(() => {})
    tell('close')
  }
}
