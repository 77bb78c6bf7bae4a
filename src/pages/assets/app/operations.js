import { ask } from './dialog.js'
import { listen, refresh, refreshSoon } from './live.js'
import { call, page } from './service.js'
import { showTimes } from './times.js'
import { attempt } from './toast.js'

/** Parts that change without anything that is recorded, looked at anew this often while they are seen. */
const LOOK_EVERY_MS = 5000
let hasActed = false
const QUIETLY_CHANGING = new Set(['sessions', 'saves', 'webhooks', 'links', 'conversions', 'storage'])

const RETRIED = {
  saved: () => 'Saved: those who have it open handed their text over.',
  recovered: () => 'Brought home: the forgotten file is stored here now.',
  waiting: ({ reason }) => `Not yet: ${reason}.`,
  nothing: () => 'Document Server has nothing new of this session.',
}

const of = (key) => encodeURIComponent(key)
const session = (key, what) => call('POST', `/administration/sessions/${of(key)}/${what}`)

/** What each button does: a question before, the call, and the words afterwards. */
const ACTIONS = {
  refresh: { run: () => refresh() },
  save: {
    run: ({ key }) => session(key, 'save'),
    done: ({ outcome }) => (outcome === 'saved' ? 'Saved.' : 'Everything was stored already.'),
  },
  disconnect: {
    question: ({ name }) => ({
      heading: `Disconnect everyone from ${name}?`,
      words:
        'What is typed is saved first; when that does not succeed, nobody is disconnected. Only text that ' +
        'somebody in strict mode has not handed over with “Save” is lost. People can open the document again.',
      yes: 'Save and disconnect',
    }),
    run: ({ key }) => session(key, 'disconnect'),
    done: ({ dropped }) => `Saved. ${people(dropped)} disconnected.`,
  },
  close: {
    question: ({ name }) => ({
      heading: `Close the session of ${name}?`,
      words:
        'For a session that hangs. What is typed is saved if Document Server still answers, and everyone is ' +
        'dropped if it can. Then the session ends in any case: the next opening begins anew from what is stored. ' +
        'Text that arrives later is kept as a conflict version beside the document; text that never left a ' +
        'browser is lost.',
      yes: 'Close the session',
      isDanger: true,
    }),
    run: ({ key }) => session(key, 'close'),
    done: ({ isSaved }) =>
      isSaved
        ? 'Saved and closed.'
        : 'Closed without a last save: what arrives later becomes a conflict version.',
  },
  retry: {
    run: ({ key }) => call('POST', `/administration/saves/${of(key)}/retry`),
    done: (answer) => RETRIED[answer.outcome](answer),
  },
  clear: {
    question: ({ name }) => ({
      heading: `Clear the failed save of ${name}?`,
      words:
        'For edits that nobody has any more: not the editor, not Document Server. Its failed saves are then ' +
        'not listed here any more, and the audit trail says who cleared them. It is refused while their text may still exist.',
      yes: 'Clear',
      isDanger: true,
    }),
    run: ({ key }) => call('POST', `/administration/saves/${of(key)}/clear`),
    done: ({ cleared }) => (cleared === 0 ? 'None of its saves is at risk any more.' : 'Cleared.'),
  },
  'keep-version': {
    prepare: askHowToKeep,
    run: ({ id }, wanted) => call('POST', `/administration/versions/${of(id)}/keep`, wanted),
    done: kept,
  },
  'keep-forgotten': {
    prepare: askHowToKeep,
    run: ({ key }, wanted) => call('POST', `/administration/forgotten/${of(key)}/keep`, wanted),
    done: (answer) =>
      kept() + (answer.isDeleted ? '' : ' Document Server keeps its copy: the document was opened again.'),
  },
  'leave-version': {
    question: ({ name }) => ({
      heading: `Leave this version of ${name} where it is?`,
      words: 'It stays among the versions of its document and is not listed here any more.',
      yes: 'Leave it',
    }),
    run: ({ id, documentId }) =>
      call('PATCH', `/documents/${of(documentId)}/versions/${of(id)}`, { label: 'Looked at and left' }),
    done: () => 'Left among the versions of its document.',
  },
  'test-webhook': {
    run: ({ id }) => call('POST', `/webhooks/${of(id)}/test`),
    done: ({ isDelivered, status, error }) =>
      isDelivered ? `Delivered: answered ${status}.` : `Not delivered: ${error ?? `answered ${status}`}.`,
  },
  'retry-delivery': {
    run: ({ id, deliveryId }) => call('POST', `/webhooks/${of(id)}/deliveries/${of(deliveryId)}/retry`),
    done: () => 'It is sent again now.',
  },
  'retry-link': {
    run: ({ id }) => call('POST', `/links/${of(id)}/retry`),
    done: () => 'It is delivered again now.',
  },
}

function people(count) {
  return count === 1 ? '1 person' : `${count} people`
}

function kept() {
  return 'Kept.'
}

function confirmed({ heading, words, yes, isDanger = false }) {
  return ask('confirm', (dialog) => {
    dialog.querySelector('h2').textContent = heading
    dialog.querySelector('p').textContent = words
    const button = dialog.querySelector('#confirm-yes')
    button.textContent = yes
    button.classList.toggle('danger', isDanger)
  })
}

async function askHowToKeep({ name, onlyDocument }) {
  const form = await ask('keep', (dialog) => {
    dialog.querySelector('#keep-name').textContent = name
    dialog.querySelector('[value=head]').disabled = onlyDocument !== undefined
    document.getElementById('keep-title').hidden = false
  })
  if (form === undefined) return undefined
  const as = form.get('as')
  const title = form.get('title').trim()
  return { as, ...(as === 'document' && title !== '' ? { title } : {}) }
}

/** Only a new document gets a title. */
document.getElementById('keep')?.addEventListener('change', ({ target }) => {
  if (target.name === 'as') document.getElementById('keep-title').hidden = target.value === 'head'
})

document.addEventListener('click', async ({ target }) => {
  const button = target.closest('[data-action]')
  if (button === null || button.getAttribute('aria-disabled') === 'true') return
  const { question, prepare, run, done } = ACTIONS[button.dataset.action]
  const given = { ...button.dataset }
  const isSure = question === undefined || (await confirmed(question(given))) !== undefined
  const wanted = await prepare?.(given)
  // The list may have been brought up to date meanwhile: it is another button by now.
  const same = () => document.getElementById(button.id)
  same()?.focus()
  if (!isSure || (prepare !== undefined && wanted === undefined)) return
  same()?.setAttribute('aria-disabled', 'true')
  await attempt(() => run(given, wanted), done)
  same()?.removeAttribute('aria-disabled')
  hasActed = true
  refreshSoon()
})

/** Days are those of the reader. */
document.getElementById('audit-filter')?.addEventListener('formdata', ({ formData }) => {
  const [from, to] = [formData.get('from'), formData.get('to')]
  if (from) formData.set('since', new Date(`${from}T00:00`).toISOString())
  if (to) {
    const after = new Date(`${to}T00:00`)
    after.setDate(after.getDate() + 1)
    formData.set('until', after.toISOString())
  }
  for (const [name, value] of [...formData]) if (value === '') formData.delete(name)
})

const stale = document.getElementById('stale')
document.addEventListener('refreshed', () => {
  stale.hidden = true
  // The row that was worked on is gone: whoever uses the keyboard goes on from the content.
  if (hasActed && document.activeElement === document.body) document.getElementById('main').focus()
  hasActed = false
})

/** Whoever looks is told when what they see may be old. */
async function look() {
  await refresh().catch(({ name }) => {
    // Another look has begun meanwhile.
    if (name !== 'AbortError') stale.hidden = false
  })
}

showTimes()
listen({ onLine: (isThere) => isThere || look() })
if (QUIETLY_CHANGING.has(page.part)) {
  setInterval(() => document.visibilityState === 'visible' && look(), LOOK_EVERY_MS)
}
