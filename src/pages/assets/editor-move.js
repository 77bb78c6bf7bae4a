// Moves the editor to the key of a new head, without losing what its user typed.

/** How long typed text may take to reach Document Server before its user is asked. */
const TEXT_WAIT_MS = 2000
/** Between asking for a config that has another key. */
const NEW_KEY_WAIT_MS = 1000
const LONGEST_WAIT_MS = 30_000

/**
 * @param options.start opens the editor anew with a config
 * @param options.onMoved gets the config that the editor has from now on
 */
export function createMove({
  config,
  service,
  editor,
  start,
  showTrouble,
  hideTrouble,
  onMoved,
  text,
  shield,
}) {
  let key = config.document.key
  let hasOwnText = false
  let ownTextSent = () => {}
  let moving = false
  /** The head changed once more while the editor was on its way. */
  let isStale = false
  /** The editor shows the history and has left the document: it comes back by itself. */
  let isLookingBack = false

  function take(fresh, open) {
    key = fresh.document.key
    hasOwnText = false
    open(fresh)
    onMoved(fresh)
  }

  // refreshFile with the key that the editor has already does nothing, so ask until another one comes.
  // Undefined when there is nothing to hope for.
  async function configWithNewKey() {
    for (let wait = NEW_KEY_WAIT_MS; ; wait = Math.min(wait * 1.5, LONGEST_WAIT_MS)) {
      try {
        const fresh = await service.freshConfig()
        if (fresh.document.key !== key) return fresh
      } catch (error) {
        showTrouble(text('notRefreshed', { message: error.message }), [
          text('reload'),
          () => location.reload(),
        ])
        if (error.isFinal) return undefined
      }
      await new Promise((resolve) => setTimeout(resolve, wait))
    }
  }

  async function toNewKey() {
    if (moving) return
    moving = true
    isStale = false
    try {
      const fresh = await configWithNewKey()
      if (fresh === undefined) return
      take(fresh, (config) => editor().refreshFile(config))
      hideTrouble()
    } finally {
      moving = false
      shield.hidden = true
    }
    if (isStale) await catchUp()
  }

  /** Text that Document Server does not have yet would be lost by the move: its user decides. */
  async function onHeadChanged() {
    if (isLookingBack) return
    if (moving) {
      isStale = true
      return
    }
    shield.hidden = false
    await Promise.race([
      new Promise((resolve) => {
        ownTextSent = resolve
        if (!hasOwnText) resolve()
      }),
      new Promise((resolve) => setTimeout(resolve, TEXT_WAIT_MS)),
    ])
    if (!hasOwnText) return toNewKey()
    shield.hidden = true
    showTrouble(
      text('replaced'),
      [text('saveMine'), () => showTrouble(text('pressSave'), [text('showNew'), toNewKey])],
      [text('discardMine'), toNewKey],
    )
  }

  /** The head may have changed unheard. */
  async function catchUp() {
    const fresh = await service.freshConfig().catch(() => undefined)
    if (fresh !== undefined && fresh.document.key !== key) await onHeadChanged()
  }

  return {
    key: () => key,
    toNewKey,
    onHeadChanged,
    noteOwnText(isThere) {
      hasOwnText = isThere
      if (!isThere) ownTextSent()
    },
    catchUp,
    lookBack() {
      isLookingBack = true
    },
    /**
     * Back from looking at the history, to whatever is current. The key may still be the same one, and
     * then refreshFile would do nothing.
     */
    async reopen() {
      take(await service.freshConfig(), start)
      isLookingBack = false
    },
  }
}
