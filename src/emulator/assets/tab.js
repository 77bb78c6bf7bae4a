// What the modules of the editor page share: the tab's state, the way to the server, the notices.
const API = new URL('../../../editing', location.href)

export const tab = {
  /** Given by the server; empty before the opening and after the leaving. */
  id: '',
  isOpen: false,
  isStrict: false,
  canType: false,
  isWord: true,
  /** As the host page gave it, and the names of the events it listens to. */
  config: {},
  events: [],
}

export function element(id) {
  return document.getElementById(id)
}

export function addressOf(path) {
  return `${API.href}${path}`
}

export function post(path, body) {
  return fetch(addressOf(path), { method: 'POST', body: JSON.stringify(body) })
}

/** Asks the modules to show what is possible now. */
export function tabChanged() {
  document.dispatchEvent(new Event('tab-changed'))
}

export function showState(text) {
  element('state').textContent = text
}

/** @param buttons pairs of a label and what it does */
export function showNotice(text, ...buttons) {
  const made = buttons.map(([label, act]) =>
    make('button', { type: 'button', textContent: label, onclick: act }),
  )
  element('notice').replaceChildren(text, ...made)
  element('notice').hidden = text === ''
}

export function showTitle(title) {
  element('title').textContent = title
  document.title = `${title} — Emulator`
}

/** An element with properties; those of `dataset` become data attributes unless undefined. */
export function make(tag, { dataset = {}, ...properties } = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties)
  for (const [name, value] of Object.entries(dataset)) {
    if (value !== undefined) made.dataset[name] = String(value)
  }
  made.append(...children)
  return made
}
