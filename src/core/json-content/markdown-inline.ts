import type { Inline, Text, TextStyle } from './document-blocks.ts'

/** The lines of a paragraph; a backslash ends those after which the line is broken. */
export function linesMarkdown(content: readonly Inline[]): string[] {
  const lines: Inline[][] = [[]]
  for (const inline of content) {
    if (inline.kind === 'break') lines.push([])
    else lines.at(-1)?.push(inline)
  }
  // At the end of a paragraph a backslash would be shown.
  while (lines.length > 1 && lines.at(-1)?.length === 0) lines.pop()
  return lines.map((line, index) => {
    const text = safeStart(grouped(line, 0))
    return index < lines.length - 1 ? `${text}\\` : text
  })
}

/** All of it on one line. */
export function lineMarkdown(content: readonly Inline[], lineEnd = ' '): string {
  const parts: string[] = []
  let line: Inline[] = []
  for (const inline of content) {
    if (inline.kind === 'break') {
      parts.push(grouped(line, 0))
      line = []
    } else {
      line.push(inline)
    }
  }
  parts.push(grouped(line, 0))
  return parts.join(lineEnd)
}

/** Any character but these stands for itself inside a line. */
export function escapeMarkdown(text: string): string {
  return text.replace(/[\\`*_[\]<>|~$]|&(?=#?\w+;)/g, '\\$&')
}

/** How many stand in a row. */
export function longestBackticks(text: string): number {
  return text.match(/`+/g)?.reduce((longest, run) => Math.max(longest, run.length), 0) ?? 0
}

/** Signs that begin a heading, list, quote or rule, and spaces that would be dropped or make code. */
function safeStart(line: string): string {
  return line
    .replace(/^[ \t]/, (space) => (space === ' ' ? '&#32;' : '&#9;'))
    .replace(/^[#+=:-]/, '\\$&')
    .replace(/^(\d{1,9})([.)])/, '$1\\$2')
}

type Wrap = {
  of: (style: TextStyle) => string | boolean | undefined
  wrap: (text: string, link: string) => string
}

/** From outside in. */
const MARKS: readonly Wrap[] = [
  { of: ({ link }) => link, wrap: (text, link) => `[${text}](<${link}>)` },
  { of: ({ bold }) => bold, wrap: signs('**') },
  { of: ({ italic }) => italic, wrap: signs('*') },
  { of: ({ strike }) => strike, wrap: signs('~~') },
  { of: ({ underline }) => underline, wrap: (text) => `<u>${text}</u>` },
  { of: ({ highlight }) => highlight, wrap: (text) => `<mark>${text}</mark>` },
  { of: ({ script }) => script === 'sub', wrap: (text) => `<sub>${text}</sub>` },
  { of: ({ script }) => script === 'super', wrap: (text) => `<sup>${text}</sup>` },
]

const NONE: TextStyle = {}

/** Neighbours with the same mark share it: signs that touch would be read as others. */
function grouped(content: readonly Inline[], depth: number): string {
  const mark = MARKS[depth]
  if (mark === undefined) return content.map(inlineMarkdown).join('')
  let markdown = ''
  let start = 0
  while (start < content.length) {
    const value = mark.of(styleOf(content[start]))
    let end = start + 1
    while (end < content.length && mark.of(styleOf(content[end])) === value) end += 1
    const inner = grouped(content.slice(start, end), depth + 1)
    markdown += value ? mark.wrap(inner, String(value)) : inner
    start = end
  }
  return markdown
}

/** Signs of emphasis touch the words, or they are none. Source: CommonMark 0.31, Emphasis and strong emphasis. */
function signs(sign: string): Wrap['wrap'] {
  return (text) => {
    const words = text.trim()
    if (words === '') return text
    const start = text.indexOf(words)
    return text.slice(0, start) + sign + words + sign + text.slice(start + words.length)
  }
}

function styleOf(inline: Inline | undefined): TextStyle {
  return inline?.kind === 'text' ? inline.style : NONE
}

function inlineMarkdown(inline: Inline): string {
  if (inline.kind === 'text') return inline.style.code ? codeSpan(inline) : escapeMarkdown(inline.text)
  if (inline.kind === 'break') return ' '
  const { type, bytes, alt } = inline.image
  return `![${escapeMarkdown(alt)}](data:image/${type};base64,${bytes.toString('base64')})`
}

/** Source: CommonMark 0.31, Code spans: one space at both ends is dropped. */
function codeSpan({ text }: Text): string {
  const fence = '`'.repeat(longestBackticks(text) + 1)
  const pad = /^[ `]|[ `]$/.test(text) ? ' ' : ''
  return fence + pad + text + pad + fence
}
