// Events to the host page: only those it declared, as in the real editor.
import { post, tab } from './tab.js'

export const PARENT_ORIGIN = new URLSearchParams(location.search).get('parentOrigin') ?? location.origin

// Source: @onlyoffice/doceditor-types, EventsEmbedded.
const EMBEDDED_EVENTS = ['onAppReady', 'onDocumentReady', 'onError', 'onWarning', 'onPluginsReady']

let noted = Promise.resolve()

export function isDeclared(name) {
  return tab.events.includes(name) && (tab.config.type !== 'embedded' || EMBEDDED_EVENTS.includes(name))
}

export function tellHost(name, data) {
  if (!isDeclared(name)) return
  window.parent.postMessage({ name, data }, PARENT_ORIGIN)
  if (tab.id === '') return
  const path = `/${tab.id}/events`
  const portable = data instanceof ArrayBuffer ? { size: data.byteLength } : data
  // One after the other, so that the server notes them in their order.
  noted = noted.then(() => post(path, { name, data: portable })).catch(() => {})
}
