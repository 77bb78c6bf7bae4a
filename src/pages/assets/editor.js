// The page around the editor: opens it, says in plain words what is wrong, shows whether the
// edits are saved and who is here, and moves to a new key when the document's head was replaced.

import { grantedEvents } from './editor-events.js'
import { connectHost } from './editor-host.js'
import { createMove } from './editor-move.js'
import { serviceOf } from './editor-service.js'
import { languageFor, textsIn } from './editor-texts.js'

const page = JSON.parse(document.getElementById('page').textContent)
const { config } = page
// Embedded, the editor shows and does not edit, whatever it may.
const mode = config.type === 'embedded' ? 'view' : page.mode
const lang = languageFor(config.editorConfig.lang ?? navigator.language)
const text = textsIn(lang)
const service = serviceOf(page)

const element = (id) => document.getElementById(id)
const trouble = element('trouble')
const notice = element('notice')
const saveState = element('save-state')
const people = element('people')

/** Reports to the service are limited there; the same one again tells nothing new. */
const told = new Set()

let editor
let { fileType } = config.document

const host = connectHost({
  service,
  onRenamed: (title) => showName(`${title}.${fileType}`),
})

/** Fills a line with text and buttons. */
function show(line, words, buttons) {
  line.replaceChildren(
    words,
    ...buttons.map(([label, act, style = '']) => {
      const button = document.createElement('button')
      button.type = 'button'
      button.className = style
      button.textContent = label
      button.addEventListener('click', act)
      return button
    }),
  )
  line.hidden = false
}

/** @param code what the framing site is told it by */
function showFault(code, words, ...buttons) {
  host.tell('error', { code, message: words })
  show(trouble, words, buttons)
}

const hide = (line) => [text('dismiss'), () => (line.hidden = true), 'plain']
const say = (words, ...buttons) => show(notice, words, [...buttons, hide(notice)])

/** @param name with its extension */
function showName(name) {
  element('title').textContent = name
  document.title = name
  host.tell('title', { title: name.replace(/\.[^.]*$/, '') })
}

function showSaveState(state, at) {
  const time = new Date(at ?? Date.now()).toLocaleTimeString([], {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  })
  const name = { saving: 'saving', saved: 'saved', 'not-saved': 'notSaved' }[state]
  saveState.textContent = text(name, { time })
  saveState.dataset.state = state
}

/** Names for ids that only Document Server told us. */
async function showPeople(ids) {
  const others = ids.filter((id) => id !== config.editorConfig.user.id)
  people.hidden = others.length === 0
  if (others.length === 0) return host.tell('users', { users: [] })
  const known = await service.get('/users', { c: 'info', id: others.join(',') }).catch(() => ({ users: [] }))
  const names = others.map((id) => known.users.find((user) => user.id === id)?.name ?? id)
  people.textContent = text('here', { names: names.join(', ') })
  host.tell('users', { users: others.map((id, index) => ({ id, name: names[index] })) })
}

function report(event, data) {
  const notice = {
    event,
    code: data?.errorCode ?? data?.warningCode,
    description: data?.errorDescription ?? data?.warningDescription,
  }
  const name = JSON.stringify(notice)
  if (told.has(name)) return
  told.add(name)
  service.post('/telemetry', { ...notice, key: move.key() }).catch(() => {})
}

const move = createMove({
  config,
  service,
  editor: () => editor,
  start,
  showTrouble: (...trouble) => showFault('attention-needed', ...trouble),
  hideTrouble: () => (trouble.hidden = true),
  onMoved({ document: opened }) {
    fileType = opened.fileType
    showName(opened.title)
  },
  text,
  shield: element('shield'),
})

// Source: ONLYOFFICE Docs API, Events, onError.
const FAULTS = { '-4': 'fault4', '-20': 'fault20', '-21': 'fault21' }

function events() {
  const tools = { service, editor: () => editor, text, say, showName, fileType: () => fileType, move }
  return {
    ...host.events,
    ...grantedEvents({ ...page, mode }, tools),
    onDocumentStateChange: ({ data }) => {
      move.noteOwnText(data === true)
      host.noteOwnText(data === true)
    },
    onRequestRefreshFile: move.toNewKey,
    onOutdatedVersion: () => location.reload(),
    onUserActionRequired: () => {
      element('shield').hidden = true
    },
    onWarning: ({ data }) => report('onWarning', data),
    onError: ({ data }) => {
      report('onError', data)
      // Nothing may be saved by itself any more; what we know of the last save stays.
      if (saveState.dataset.state === undefined) saveState.textContent = ''
      const fault = FAULTS[String(data?.errorCode)]
      showFault(
        'editor-error',
        fault ? text(fault) : text('reports', { message: data?.errorDescription ?? '?' }),
        hide(trouble),
      )
    },
  }
}

/** In place of an editor that is there already. */
function start(opened) {
  editor?.destroyEditor()
  const size = { width: '100%', height: '100%' }
  editor = new window.DocsAPI.DocEditor('editor', { ...opened, ...size, events: events() })
}

function listen() {
  const stream = new EventSource(service.eventsUrl)
  stream.addEventListener('save-state', ({ data }) => {
    const { state, at } = JSON.parse(data)
    showSaveState(state, at)
  })
  host.follow(stream)
  stream.addEventListener('users', ({ data }) => showPeople(JSON.parse(data).users))
  stream.addEventListener('head-changed', move.onHeadChanged)
  let isOffline = false
  stream.addEventListener('open', () => {
    if (isOffline) notice.hidden = true
    isOffline = false
    // The head may have changed since the config was made, or during a break.
    move.catchUp()
  })
  stream.addEventListener('error', () => {
    // A refusal closes the stream for good; a lost connection is taken up again by the browser.
    if (stream.readyState === EventSource.CLOSED)
      showFault('access-ended', text('ended'), [text('reload'), () => location.reload()])
    else {
      isOffline = true
      say(text('offline'))
    }
  })
}

function offerConversion() {
  say(text('cannotEdit'), [
    text('convertToEdit'),
    async () => {
      say(text('converting'))
      try {
        location.assign((await service.post('/convert-to-edit')).url)
      } catch (error) {
        say(text('failed', { message: error.message }))
      }
    },
  ])
}

function showFrame() {
  document.documentElement.lang = lang
  const home = element('home')
  home.setAttribute('aria-label', text('allDocuments'))
  const details = element('details')
  details.textContent = text('details')
  details.href = `${page.homeUrl}documents/${page.documentUrl.split('/').at(-1)}`
  home.hidden = details.hidden = !page.seesWorkspace || config.type === 'embedded'
}

function open() {
  showFrame()
  if (window.DocsAPI === undefined) {
    const { origin } = new URL(element('api').src)
    showFault('editor-not-loaded', text('notLoaded', { origin }), [text('tryAgain'), () => location.reload()])
    return
  }
  start(config)
  saveState.textContent = text(mode === 'view' ? 'viewing' : 'savedAutomatically')
  if (page.convertsToEdit) offerConversion()
  listen()
}

open()
