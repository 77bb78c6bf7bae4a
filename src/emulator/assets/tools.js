// The menu of tools: one for each event that the host page listens to, as far as the rights go.
import { CONTENT_TOOLS } from './content-tools.js'
import { DOCUMENT_TOOLS } from './document-tools.js'
import { FORM_TOOLS } from './form-tools.js'
import { isDeclared, tellHost } from './host.js'
import { PEOPLE_TOOLS } from './people.js'
import { currentRights } from './rights.js'
import { SIGNALS } from './signals.js'
import { element, make } from './tab.js'
import { makeButtons, showHeader } from './toolbar.js'

/**
 * A tool: `event` it fires with what `data` makes of the values of its `fields` and the choice, unless
 * `act` does more; `isOffered` by the rights; `isFree`: shown without a listener too; `isMobile` and
 * `isEmbedded`: also there.
 */
const TOOLS = [...DOCUMENT_TOOLS, ...CONTENT_TOOLS, ...PEOPLE_TOOLS, ...FORM_TOOLS, ...SIGNALS]

let shown = ''

function render() {
  const rights = currentRights()
  showHeader(rights)
  const tools = TOOLS.filter((tool) => isThere(tool, rights))
  const buttons = makeButtons(rights)
  // What is typed into the fields stays while the same tools are shown.
  const now = JSON.stringify([
    tools.map(({ name, state }) => [name, state?.()]),
    buttons.map((button) => button.outerHTML),
  ])
  if (now === shown) return
  shown = now
  const real = tools.filter(({ isSignal }) => !isSignal)
  const signals = tools.filter(({ isSignal }) => isSignal)
  element('tool-list').replaceChildren(
    ...real.map(makeTool),
    make('div', { className: 'buttons' }, ...buttons),
    ...(signals.length > 0 ? [make('h2', { textContent: 'Events without a button' })] : []),
    ...signals.map(makeTool),
  )
  element('tools').hidden = tools.length + buttons.length === 0
}

function isThere({ event, isFree, isOffered, isMobile, isEmbedded }, rights) {
  if (rights.type === 'mobile' && !isMobile) return false
  if (rights.type === 'embedded' && !isEmbedded) return false
  return (isFree || isDeclared(event)) && (isOffered?.(rights) ?? true)
}

function makeTool(tool) {
  const { name, event, label, fields = [], choices = [undefined], state } = tool
  const inputs = fields.map(makeField)
  const buttons = choices.map((c) =>
    make('button', {
      type: 'button',
      textContent: c && choices.length > 1 ? `${label}: ${c}` : label,
      dataset: { event, c, ...state?.() },
      onclick: () => fire(tool, valuesOf(inputs), c),
    }),
  )
  return make('div', { className: 'tool', dataset: { tool: name } }, ...inputs, ...buttons)
}

function fire({ event, act, data }, values, c) {
  if (act) return act(values, c)
  if (data) return tellHost(event, data(values, c))
  tellHost(event, c === undefined ? undefined : { c })
}

function makeField({ name, label, value = '', options }) {
  const field = options
    ? make('select', { multiple: true, dataset: { field: name } }, ...options())
    : make('input', { type: 'text', value, placeholder: label, dataset: { field: name } })
  field.setAttribute('aria-label', label)
  return field
}

function valuesOf(inputs) {
  return Object.fromEntries(
    inputs.map((input) => [
      input.dataset.field,
      input.multiple ? [...input.selectedOptions].map(({ value }) => value) : input.value,
    ]),
  )
}

document.addEventListener('tab-changed', render)
