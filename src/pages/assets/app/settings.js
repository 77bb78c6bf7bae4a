import { ask } from './dialog.js'
import { listen, refreshSoon } from './live.js'
import { call } from './service.js'
import { showTimes } from './times.js'
import { attempt } from './toast.js'

const of = (id) => `/auth/api-keys/${encodeURIComponent(id)}`

const ACTIONS = {
  make: makeKey,
  async rename({ id, name }) {
    const form = await ask('rename', (dialog) => {
      dialog.querySelector('[name=name]').value = name
    })
    if (form !== undefined) await attempt(() => call('PATCH', of(id), { name: form.get('name') }), 'Renamed.')
  },
  async rotate({ id, name }) {
    const isSure = await confirmed({
      heading: `A new secret for ${name}?`,
      words: 'The secret of now goes on working for another day, so that the program can be changed over.',
      yes: 'Make a new secret',
    })
    if (!isSure) return
    const made = await attempt(() => call('POST', `${of(id)}/rotate`))
    if (made === undefined) return
    const until = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })
    await showSecret(
      made,
      `The secret before works until ${until.format(new Date(made.previousSecretUntil))}.`,
    )
  },
  async revoke({ id, name }) {
    const isSure = await confirmed({
      heading: `Revoke ${name}?`,
      words:
        'Programs that use it are refused within 10 seconds, and whoever was let in by its embeds and links is ' +
        'disconnected after what they typed is saved. Its documents stay. This cannot be undone.',
      yes: 'Revoke',
      isDanger: true,
    })
    if (isSure) await attempt(() => call('DELETE', of(id)), 'Revoked.')
  },
}

/** Stays open until the key is made: what was filled in is not lost to a slip. */
async function makeKey() {
  const dialog = document.getElementById('make')
  const form = dialog.querySelector('form')
  const fault = dialog.querySelector('#make-fault')
  let made
  async function submit(event) {
    if (event.submitter?.value !== 'yes') return
    event.preventDefault()
    const wanted = wantedKey(new FormData(form))
    try {
      if (wanted.permissions.length === 0) throw new Error('Choose at least one thing that it may do.')
      made = await call('POST', '/auth/api-keys', wanted)
      dialog.close('yes')
    } catch (error) {
      fault.textContent = wordsOf(error)
    }
  }
  form.addEventListener('submit', submit)
  await ask('make', () => {
    fault.textContent = ''
  })
  form.removeEventListener('submit', submit)
  if (made !== undefined) await showSecret(made)
}

/** What is wrong with each field, if the service says so. */
function wordsOf({ message, errors }) {
  return errors === undefined ? message : Object.values(errors).flat().join('; ')
}

function wantedKey(form) {
  const expires = form.get('expires')
  const sites = form
    .get('frameAncestors')
    .split(/[\s,]+/)
    .filter(Boolean)
  const workspaceId = form.get('workspaceId')
  return {
    name: form.get('name').trim(),
    permissions: form.getAll('permissions'),
    ...(workspaceId === '' ? {} : { workspaceId }),
    ...(expires === '' ? {} : { expiresAt: endOfDay(expires) }),
    ...(sites.length === 0 ? {} : { frameAncestors: sites }),
  }
}

/** In the reader's zone. */
function endOfDay(day) {
  const end = new Date(`${day}T00:00`)
  end.setDate(end.getDate() + 1)
  return end.toISOString()
}

async function showSecret({ name, apiKey, secret }, overlap = '') {
  await ask('secret', (dialog) => {
    dialog.querySelector('h2').textContent = `Secret of ${name}`
    dialog.querySelector('#secret-overlap').textContent = overlap
    dialog.querySelector('#copy-state').textContent = ''
    dialog.querySelector('#secret-key').value = apiKey
    dialog.querySelector('#secret-value').value = secret
  })
  document.getElementById('secret-value').value = ''
}

async function confirmed({ heading, words, yes, isDanger = false }) {
  const form = await ask('confirm', (dialog) => {
    dialog.querySelector('h2').textContent = heading
    dialog.querySelector('p').textContent = words
    const button = dialog.querySelector('#confirm-yes')
    button.textContent = yes
    button.classList.toggle('danger', isDanger)
  })
  return form !== undefined
}

async function copy(id) {
  const input = document.getElementById(id)
  input.select()
  // Browsers give the clipboard to pages over https and on this machine alone.
  const isCopied = await navigator.clipboard?.writeText(input.value).then(
    () => true,
    () => false,
  )
  document.getElementById('copy-state').textContent = isCopied
    ? 'Copied.'
    : 'Selected: copy it with Ctrl+C or the menu.'
}

document.addEventListener('click', async ({ target }) => {
  const button = target.closest('[data-action], [data-copy]')
  if (button === null) return
  if (button.dataset.copy !== undefined) return copy(button.dataset.copy)
  await ACTIONS[button.dataset.action]({ ...button.dataset })
  // The list may have been brought up to date meanwhile: it is another button by now.
  document.getElementById(button.id)?.focus()
  refreshSoon()
})

const theme = document.getElementById('theme')
if (theme !== null) {
  const chosen = document.documentElement.dataset.theme ?? 'system'
  theme.querySelector(`[value=${chosen}]`).checked = true
  theme.addEventListener('change', ({ target: { value } }) => {
    localStorage.setItem('theme', value)
    if (value === 'system') delete document.documentElement.dataset.theme
    else document.documentElement.dataset.theme = value
  })
}

showTimes()
if (document.querySelector('[data-live]') !== null) listen()
