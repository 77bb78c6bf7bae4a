// DocsAPI of the emulator: the part of ONLYOFFICE's api.js that a host page needs.
;(() => {
  const OWN_URL = document.currentScript.src
  const ORIGIN = new URL(OWN_URL).origin
  const PAGE_URL = new URL('../../editor/index.html', OWN_URL)

  const REMOVE_AFTER_MS = 1000

  // Handed to the page as they are; it ignores those it has no use for.
  const METHODS = [
    'refreshFile',
    'requestClose',
    'showMessage',
    'refreshHistory',
    'setHistoryData',
    'setActionLink',
    'setFavorite',
    'setUsers',
    'setSharingSettings',
    'setReferenceData',
    'setReferenceSource',
    'setRequestedDocument',
    'setRequestedSpreadsheet',
    'setRevisedFile',
    'setMailMergeRecipients',
    'insertImage',
    'denyEditingRights',
    'downloadAs',
    'startFilling',
  ]

  // Functions cannot be posted; the page needs to know which events the host listens to.
  function portable(config) {
    const { events = {}, ...rest } = config
    return {
      config: JSON.parse(JSON.stringify(rest)),
      events: Object.keys(events).filter((name) => typeof events[name] === 'function'),
    }
  }

  function makeFrame(config) {
    const frame = document.createElement('iframe')
    const address = new URL(PAGE_URL)
    address.searchParams.set('parentOrigin', location.origin)
    frame.src = address.href
    frame.name = 'frameEditor'
    frame.title = 'Document editor'
    frame.allow = 'clipboard-read; clipboard-write; fullscreen'
    frame.setAttribute('frameborder', '0')
    frame.style.width = String(config.width ?? '100%')
    frame.style.height = String(config.height ?? '100%')
    frame.style.border = '0'
    return frame
  }

  class DocEditor {
    constructor(placeholderId, config) {
      const placeholder = document.getElementById(placeholderId)
      if (!placeholder) throw new Error(`there is no element with the id ${placeholderId}`)
      const frame = makeFrame(config)
      placeholder.replaceWith(frame)

      const post = (message) => frame.contentWindow?.postMessage(message, ORIGIN)
      const receive = ({ origin, source, data }) => {
        if (origin !== ORIGIN || source !== frame.contentWindow) return
        if (data.isLoaded) post({ method: 'open', ...portable(config) })
        else if (data.name) config.events?.[data.name]?.({ target: this, data: data.data })
      }
      window.addEventListener('message', receive)

      for (const method of METHODS) {
        this[method] = (argument) =>
          post(
            method === 'refreshFile'
              ? { method, ...portable(argument) }
              : {
                  method,
                  argument: argument === undefined ? undefined : JSON.parse(JSON.stringify(argument)),
                },
          )
      }

      // Gives the placeholder back at once; the hidden page hands over what was typed last and leaves.
      this.destroyEditor = () => {
        window.removeEventListener('message', receive)
        const empty = document.createElement('div')
        empty.id = placeholderId
        frame.before(empty)
        frame.style.display = 'none'
        post({ method: 'leave' })
        setTimeout(() => frame.remove(), REMOVE_AFTER_MS)
      }
    }

    static version() {
      return 'emulator'
    }
  }

  window.DocsAPI = { DocEditor }
})()
