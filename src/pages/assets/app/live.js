// Keeps the part of a page that shows data true: it is fetched anew when something happened.

import { page, reach } from './service.js'
import { showTimes } from './times.js'

const QUIET_MS = 200
const COME_BACK_MS = 3000
const LEAVE_MS = 10_000
let timer
let fetching
let newest

/**
 * Puts the parts of `url` that are marked `data-live` in place of those on the page. A newer call takes the
 * place of one under way, and both end with the newer one.
 */
export function refresh(url = location.href) {
  fetching?.abort()
  fetching = new AbortController()
  const { signal } = fetching
  const shown = show(url, signal).catch((error) => {
    if (signal.aborted) return newest
    throw error
  })
  newest = shown
  return shown
}

async function show(url, signal) {
  const response = await reach(url, { signal, headers: { Accept: 'text/html' } })
  // Signed out, or what was shown is gone: the browser shows what is there instead.
  if (response.redirected || [401, 403, 404].includes(response.status)) return location.reload()
  // A service that starts anew, or a proxy in its place: what is under way here goes on.
  if (!response.ok) throw new Error(`The service answered ${response.status}`)
  const fresh = new DOMParser().parseFromString(await response.text(), 'text/html')
  for (const part of document.querySelectorAll('[data-live]')) {
    const next = fresh.querySelector(`[data-live="${part.dataset.live}"]`)
    if (next === null || next.innerHTML === part.dataset.shown) continue
    part.dataset.shown = next.innerHTML
    replaceKeepingFocus(part, next)
  }
  showTimes()
  document.dispatchEvent(new CustomEvent('refreshed'))
}

/** Whoever works with the keyboard stays where they are. */
function replaceKeepingFocus(part, next) {
  const focused = part.contains(document.activeElement) ? placeOf(document.activeElement) : undefined
  part.replaceChildren(...document.adoptNode(next).childNodes)
  if (focused !== undefined) document.querySelector(focused)?.focus()
}

/** In a row of a table that has `data-id`, the row tells it; elsewhere the element's own id. */
function placeOf(element) {
  const row = element.closest('tr[data-id]')
  if (row === null) return element.id === '' ? undefined : `#${CSS.escape(element.id)}`
  const cell = element.closest('td, th')
  const among = [...cell.children].indexOf(element) + 1
  return `tr[data-id="${CSS.escape(row.dataset.id)}"] > :nth-child(${cell.cellIndex + 1}) > :nth-child(${among})`
}

/** Soon, once for many events. */
export function refreshSoon() {
  clearTimeout(timer)
  timer = setTimeout(() => refresh().catch(() => {}), QUIET_MS)
}

/**
 * Stays connected while somebody looks: browsers give one site six connections, hidden pages take none.
 *
 * @param listeners by event, beside `changed`
 * @param onLine told whether the line is there
 */
export function listen({ documentId, listeners = {}, onLine = () => {} } = {}) {
  const query = documentId === undefined ? '' : `?documentId=${encodeURIComponent(documentId)}`
  let stream
  let isFirst = true
  let leaving

  function open() {
    stream = new EventSource(`${page.basePath}/live${query}`)
    stream.addEventListener('changed', refreshSoon)
    for (const [event, listener] of Object.entries(listeners)) {
      stream.addEventListener(event, ({ data }) => listener(JSON.parse(data)))
    }
    stream.addEventListener('open', () => {
      // What happened meanwhile was told to nobody.
      if (!isFirst) refreshSoon()
      isFirst = false
      onLine(true)
    })
    stream.addEventListener('error', ({ target }) => {
      onLine(false)
      // A browser comes back by itself when the line is cut, and not when a proxy answers in our place.
      if (target.readyState === EventSource.CLOSED) setTimeout(reopen, COME_BACK_MS, target)
    })
  }

  function reopen(closed) {
    if (stream === closed && document.visibilityState === 'visible') open()
  }

  document.addEventListener('visibilitychange', () => {
    clearTimeout(leaving)
    if (document.visibilityState === 'hidden') leaving = setTimeout(() => stream.close(), LEAVE_MS)
    else if (stream.readyState === EventSource.CLOSED) open()
  })
  open()
}
