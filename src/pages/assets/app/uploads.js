// Uploads with their progress; a few run at once, the others wait for their turn.

import { reload } from './navigation.js'
import { page } from './service.js'
import { sendFile } from './upload.js'

const AT_ONCE = 3

const panel = document.getElementById('uploads')
const lines = panel.querySelector('ul')
const state = document.getElementById('uploads-state')
const template = document.getElementById('upload-line')

const waiting = []
let running = 0
let failed = 0
let done = 0

/** @param place `{workspaceId, folder}` that they go to */
export function upload(files, place) {
  for (const file of files) waiting.push(lineFor(file, place))
  panel.hidden = false
  next()
}

/** What cannot be read as a file, told in the same place. */
export function refuse(name, words) {
  const line = addLine(name)
  failed += 1
  panel.hidden = false
  end(line, words, { isFault: true })
  tell()
}

export function startUploads() {
  document.getElementById('uploads-close').addEventListener('click', () => {
    lines.replaceChildren()
    failed = 0
    done = 0
    panel.hidden = true
    document.getElementById('upload').focus()
  })
  window.addEventListener('beforeunload', (event) => {
    if (running > 0) event.preventDefault()
  })
}

function addLine(name) {
  const line = template.content.cloneNode(true).firstElementChild
  line.querySelector('bdi').textContent = name
  line.querySelector('progress').setAttribute('aria-label', name)
  lines.append(line)
  return line
}

function lineFor(file, place) {
  const line = addLine(file.name)
  const cancelling = new AbortController()
  const button = line.querySelector('button')
  button.textContent = 'Cancel'
  button.setAttribute('aria-label', `Cancel ${file.name}`)
  button.addEventListener('click', () => cancelling.abort(), { once: true })
  cancelling.signal.addEventListener('abort', () => {
    const index = waiting.findIndex((one) => one.line === line)
    if (index >= 0) waiting.splice(index, 1)
    end(line, 'Cancelled')
    tell()
  })
  line.querySelector('span').textContent = 'Waiting'
  return { line, file, place, signal: cancelling.signal, key: newKey() }
}

function next() {
  while (running < AT_ONCE && waiting.length > 0) void run(waiting.shift())
  tell()
}

async function run(one) {
  const { line, file, place, signal, key } = one
  const words = line.querySelector('span')
  running += 1
  try {
    const made = await sendFile(file, {
      place,
      signal,
      key,
      onProgress(share) {
        const percent = Math.floor(share * 100)
        line.querySelector('progress').value = percent
        words.textContent = share < 1 ? `${percent} %` : 'Storing'
      },
    })
    done += 1
    end(line, 'Uploaded', { next: linkTo(made) })
  } catch (error) {
    if (!signal.aborted) {
      failed += 1
      end(line, error.message, { isFault: true, next: error.isPassing ? againFor(one) : undefined })
    }
  } finally {
    running -= 1
    next()
    // Also after a cancellation: it may have come too late.
    void reload()
  }
}

/** With the same key: what had arrived after all is not made twice. */
function retry({ file, place, key, line }) {
  failed -= 1
  const again = lineFor(file, place)
  line.replaceWith(again.line)
  waiting.push({ ...again, key })
  next()
}

/** What the line says from now on, and what can be done next. */
function end(line, words, { isFault = false, next } = {}) {
  const button = line.querySelector('button')
  const hadFocus = button === document.activeElement
  line.querySelector('progress').remove()
  line.querySelector('span').textContent = words
  line.classList.toggle('fault', isFault)
  if (next === undefined) button.remove()
  else button.replaceWith(next)
  if (hadFocus) (next ?? panel).focus()
}

function againFor(one) {
  const button = document.createElement('button')
  button.type = 'button'
  button.className = 'plain'
  button.textContent = 'Try again'
  button.addEventListener('click', () => retry(one), { once: true })
  return button
}

function linkTo({ id, title }) {
  const link = document.createElement('a')
  link.href = `${page.basePath}/api/onlyoffice/viewer/${id}`
  link.textContent = 'Open'
  link.setAttribute('aria-label', `Open ${title}`)
  return link
}

function tell() {
  const left = running + waiting.length
  state.textContent = [
    left > 0 ? `${left} under way` : '',
    done > 0 ? `${done} uploaded` : '',
    failed > 0 ? `${failed} failed` : '',
  ]
    .filter(Boolean)
    .join(', ')
  document.getElementById('uploads-close').hidden = left > 0
}

/** Not `randomUUID`: browsers have it only where the address is secure. */
function newKey() {
  return [...crypto.getRandomValues(new Uint32Array(4))].join('-')
}
