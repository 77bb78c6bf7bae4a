// Moves the editor to the key of a new head, without losing what its user typed.

/** How long typed text may take to reach Document Server before its user is asked. */
const TEXT_WAIT_MS = 2000
/** Between asking for a config that has another key. */
const NEW_KEY_WAIT_MS = 1000
const LONGEST_WAIT_MS = 30_000

export function createMove({ config, service, editor, showTrouble, hideTrouble, text, shield }) {
  let key = config.document.key
  let hasOwnText = false
  let ownTextSent = () => {}
  let moving = false

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
    try {
      const fresh = await configWithNewKey()
      if (fresh === undefined) return
      key = fresh.document.key
      hasOwnText = false
      editor().refreshFile(fresh)
      hideTrouble()
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
    if (!hasOwnText) return toNewKey()
    shield.hidden = true
    showTrouble(
      text('replaced'),
      [text('saveMine'), () => showTrouble(text('pressSave'), [text('showNew'), toNewKey])],
      [text('discardMine'), toNewKey],
    )
  }

  return {
    key: () => key,
    toNewKey,
    onHeadChanged,
    noteOwnText(isThere) {
      hasOwnText = isThere
      if (!isThere) ownTextSent()
    },
    /** The head may have changed unheard. */
    async catchUp() {
      const fresh = await service.freshConfig().catch(() => undefined)
      if (fresh !== undefined && fresh.document.key !== key) onHeadChanged()
    },
    /** Back from looking at the history, to whatever is current. */
    async reopen() {
      const fresh = await service.freshConfig()
      key = fresh.document.key
      editor().refreshFile(fresh)
    },
  }
}
