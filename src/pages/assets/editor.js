// The page around the editor: opens it, says in plain words what is wrong, shows whether the
// edits are saved, and moves to a new key when the document's head was replaced.

{
  const { config, documentUrl, pageToken } = JSON.parse(document.getElementById('page').textContent)
  const trouble = document.getElementById('trouble')
  const saveState = document.getElementById('save-state')
  const shield = document.getElementById('shield')
  const viewOnly = config.editorConfig.mode === 'view'

  /** How long typed text may take to reach Document Server before its user is asked. */
  const TEXT_WAIT_MS = 2000
  /** Between asking for a config that has another key. */
  const NEW_KEY_WAIT_MS = 1000

  let key = config.document.key
  let hasOwnText = false
  let ownTextSent = () => {}
  let moving = false

  // Source: ONLYOFFICE Docs API, Events, onError.
  const FAULTS = {
    '-4': 'The editor could not download this document. Document Server must be able to reach this service: its administrator finds the address under INTERNAL_URL.',
    '-20':
      'Document Server does not accept our signature. Its JWT secret differs from ONLYOFFICE_JWT_SECRET of this service.',
    '-21':
      'The permission to open this document has expired. Reload the page; if it happens again, the clocks of the two servers differ.',
  }

  function showTrouble(text, ...buttons) {
    trouble.replaceChildren(
      text,
      ...buttons.map(([label, act]) => {
        const button = document.createElement('button')
        button.textContent = label
        button.addEventListener('click', act)
        return button
      }),
    )
    trouble.hidden = false
  }

  function showSaveState(state, at) {
    const time = new Date(at ?? Date.now()).toLocaleTimeString([], {
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    })
    const texts = {
      saving: 'Saving…',
      saved: `Saved at ${time}`,
      'not-saved': `Not saved (${time}), trying again`,
    }
    saveState.textContent = texts[state] ?? ''
    saveState.dataset.state = state
  }

  async function freshConfig() {
    const response = await fetch(`${documentUrl}/refresh?t=${encodeURIComponent(pageToken)}`)
    if (!response.ok) {
      const { message } = await response.json()
      throw Object.assign(new Error(message), { isFinal: [401, 403, 404].includes(response.status) })
    }
    return (await response.json()).config
  }

  // refreshFile with the key that the editor has already does nothing, so ask until another one comes.
  // Undefined when there is nothing to hope for.
  async function configWithNewKey() {
    for (let wait = NEW_KEY_WAIT_MS; ; wait = Math.min(wait * 1.5, 30_000)) {
      try {
        const fresh = await freshConfig()
        if (fresh.document.key !== key) return fresh
      } catch (error) {
        showTrouble(`The document cannot be refreshed: ${error.message}.`, [
          'Reload the page',
          () => location.reload(),
        ])
        if (error.isFinal) return undefined
      }
      await new Promise((resolve) => setTimeout(resolve, wait))
    }
  }

  async function moveToNewKey() {
    if (moving) return
    moving = true
    try {
      const fresh = await configWithNewKey()
      if (fresh === undefined) return
      key = fresh.document.key
      hasOwnText = false
      editor.refreshFile(fresh)
      trouble.hidden = true
    } finally {
      moving = false
      shield.hidden = true
    }
  }

  /** Text that Document Server does not have yet would be lost by the move: its user decides. */
  async function onHeadChanged() {
    if (moving) return
    shield.hidden = false
    await Promise.race([
      new Promise((resolve) => {
        ownTextSent = resolve
        if (!hasOwnText) resolve()
      }),
      new Promise((resolve) => setTimeout(resolve, TEXT_WAIT_MS)),
    ])
    if (!hasOwnText) return moveToNewKey()
    shield.hidden = true
    showTrouble(
      'Somebody replaced this document while you were typing. Your unsaved text is still here.',
      [
        'Save mine as a copy',
        () =>
          showTrouble('Press Save in the editor: your text is kept as a version of its own.', [
            'Then show the new document',
            moveToNewKey,
          ]),
      ],
      ['Discard mine', moveToNewKey],
    )
  }

  function listen() {
    const events = new EventSource(`${documentUrl}/events?t=${encodeURIComponent(pageToken)}`)
    events.addEventListener('save-state', ({ data }) => {
      const { state, at } = JSON.parse(data)
      showSaveState(state, at)
    })
    events.addEventListener('head-changed', onHeadChanged)
    // After a break the head may have changed without our hearing of it.
    let isFirst = true
    events.addEventListener('open', async () => {
      if (isFirst) {
        isFirst = false
        return
      }
      const fresh = await freshConfig().catch(() => undefined)
      if (fresh !== undefined && fresh.document.key !== key) onHeadChanged()
    })
  }

  let editor
  function open() {
    if (window.DocsAPI === undefined) {
      showTrouble(
        'The editor could not be loaded from Document Server. Either it is down, or this browser cannot reach its address: ' +
          new URL(document.getElementById('api').src).origin,
        ['Try again', () => location.reload()],
      )
      return
    }
    editor = new window.DocsAPI.DocEditor('editor', {
      ...config,
      width: '100%',
      height: '100%',
      events: {
        onDocumentStateChange: ({ data }) => {
          hasOwnText = data === true
          if (!hasOwnText) ownTextSent()
        },
        onRequestRefreshFile: moveToNewKey,
        onError: ({ data }) => {
          const text = FAULTS[String(data?.errorCode)]
          saveState.textContent = ''
          showTrouble(text ?? `The editor reports: ${data?.errorDescription ?? 'an unknown fault'}`)
        },
      },
    })
    if (!viewOnly) saveState.textContent = 'Saved automatically'
    listen()
  }

  open()
}
