import type { TextStyle } from './document-blocks.ts'
import { isObject } from './json-text.ts'
import { invalid, LINK_LENGTH_MAX } from './limits.ts'

const PLAIN: TextStyle = {}

/** The marks of a text node, by the names of TipTap and of prosemirror-schema-basic; others are left out. */
export function readMarks(marks: unknown): TextStyle {
  if (marks === undefined || marks === null) return PLAIN
  if (!Array.isArray(marks)) throw invalid('the marks of a node are not a list')
  const style: TextStyle = {}
  for (const mark of marks) addMark(style, mark)
  return style
}

function addMark(style: TextStyle, mark: unknown): void {
  if (!isObject(mark) || typeof mark.type !== 'string') throw invalid('a mark has no type')
  const attrs = isObject(mark.attrs) ? mark.attrs : {}
  switch (mark.type) {
    case 'bold':
    case 'strong':
      style.bold = true
      break
    case 'italic':
    case 'em':
      style.italic = true
      break
    case 'underline':
      style.underline = true
      break
    case 'strike':
    case 'strikethrough':
    case 's':
      style.strike = true
      break
    case 'code':
      style.code = true
      break
    case 'subscript':
      style.script = 'sub'
      break
    case 'superscript':
      style.script = 'super'
      break
    case 'highlight':
      style.highlight = readColor(attrs.color) ?? 'FFFF00'
      break
    case 'textStyle':
    case 'text_style': {
      const color = readColor(attrs.color)
      if (color) style.color = color
      break
    }
    case 'link': {
      const link = readLink(attrs.href)
      if (link) style.link = link
    }
  }
}

/** An address that may be followed: http, https or mailto. */
export function readLink(href: unknown): string | undefined {
  if (typeof href !== 'string' || href.length > LINK_LENGTH_MAX || !URL.canParse(href)) return undefined
  const url = new URL(href)
  if (!['http:', 'https:', 'mailto:'].includes(url.protocol)) return undefined
  return url.href.replace(/["<>\\`\s]/g, (character) => encodeURIComponent(character))
}

const COLOR_NAMES: ReadonlyMap<string, string> = new Map([
  ['black', '000000'],
  ['silver', 'C0C0C0'],
  ['gray', '808080'],
  ['grey', '808080'],
  ['white', 'FFFFFF'],
  ['maroon', '800000'],
  ['red', 'FF0000'],
  ['purple', '800080'],
  ['fuchsia', 'FF00FF'],
  ['green', '008000'],
  ['lime', '00FF00'],
  ['olive', '808000'],
  ['yellow', 'FFFF00'],
  ['navy', '000080'],
  ['blue', '0000FF'],
  ['teal', '008080'],
  ['aqua', '00FFFF'],
  ['orange', 'FFA500'],
  ['pink', 'FFC0CB'],
  ['brown', 'A52A2A'],
])

/** Six hexadecimal digits, from a name, `#rgb`, `#rrggbb` or `rgb(r, g, b)` of CSS; how much shows through is left out. */
function readColor(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.length > 64) return undefined
  const color = value.trim().toLowerCase()
  const short = /^#([0-9a-f])([0-9a-f])([0-9a-f])[0-9a-f]?$/.exec(color)
  if (short) {
    return short
      .slice(1)
      .map((digit) => digit.repeat(2))
      .join('')
      .toUpperCase()
  }
  const long = /^#([0-9a-f]{6})(?:[0-9a-f]{2})?$/.exec(color)
  if (long) return long[1]?.toUpperCase()
  const parts = /^rgba?\(\s*(\d{1,3})[\s,]+(\d{1,3})[\s,]+(\d{1,3})\s*(?:[,/][^)]*)?\)$/.exec(color)
  if (!parts) return COLOR_NAMES.get(color)
  return parts
    .slice(1)
    .map((part) => Math.min(255, Number(part)).toString(16).padStart(2, '0'))
    .join('')
    .toUpperCase()
}
