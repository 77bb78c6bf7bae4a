import { escapeXml } from '../blank/xml.ts'
import type { Align, Block, Inline, List, Table, Text } from './document-blocks.ts'

/** Lines and spaces as in the editor. */
const STYLE =
  'p,li,td,th,h1,h2,h3,h4,h5,h6{white-space:pre-wrap}table{border-collapse:collapse}td,th{border:1px solid #bfbfbf;padding:4px 8px;vertical-align:top}'

/** A page without scripts and without anything to load. */
export function writeHtml(blocks: readonly Block[], title: string): string {
  const name = escapeXml(title.trim() === '' ? 'Untitled' : title)
  const body = blocks.length === 0 ? '<p></p>\n' : blocks.map(blockHtml).join('')
  return `<!DOCTYPE html>\n<html>\n<head>\n<meta charset="utf-8">\n<title>${name}</title>\n<style>${STYLE}</style>\n</head>\n<body>\n${body}</body>\n</html>\n`
}

function blockHtml(block: Block): string {
  switch (block.kind) {
    case 'paragraph':
      return `<p${alignment(block.align)}>${inlineHtml(block.content)}</p>\n`
    case 'heading':
      return `<h${block.level}${alignment(block.align)}>${inlineHtml(block.content)}</h${block.level}>\n`
    case 'list':
      return listHtml(block)
    case 'quote':
      return `<blockquote>\n${block.blocks.map(blockHtml).join('')}</blockquote>\n`
    case 'code': {
      const language = block.language === '' ? '' : ` class="language-${escapeXml(block.language)}"`
      // A parser drops the line end right after the tag. Source: HTML, 13.2.6.4.7, start tag "pre".
      return `<pre>\n<code${language}>${escapeXml(block.text)}</code></pre>\n`
    }
    case 'rule':
      return '<hr>\n'
    case 'table':
      return tableHtml(block)
  }
}

/** Signs instead of check boxes: they survive every conversion. */
function listHtml({ style, start, items }: List): string {
  const all = items.map(({ isChecked, blocks }) => {
    const box = style === 'task' ? `${isChecked ? '☑' : '☐'} ` : ''
    const [first, ...others] = blocks
    // A paragraph alone needs no tags, and the sign stands on its line.
    const line = first?.kind === 'paragraph' && !first.align ? inlineHtml(first.content) : undefined
    const rest = line === undefined ? blocks : others
    return `<li>${box}${line ?? ''}${rest.map(blockHtml).join('')}</li>\n`
  })
  if (style === 'ordered') return `<ol${start === 1 ? '' : ` start="${start}"`}>\n${all.join('')}</ol>\n`
  return `<ul${style === 'task' ? ' style="list-style:none"' : ''}>\n${all.join('')}</ul>\n`
}

function tableHtml({ rows }: Table): string {
  const all = rows.map((cells) => {
    const inner = cells.map(({ isHeader, columns, rows, isContinued, blocks }) => {
      if (isContinued) return ''
      const tag = isHeader ? 'th' : 'td'
      const span = `${columns > 1 ? ` colspan="${columns}"` : ''}${rows > 1 ? ` rowspan="${rows}"` : ''}`
      return `<${tag}${span}>${blocks.map(blockHtml).join('')}</${tag}>`
    })
    return `<tr>${inner.join('')}</tr>\n`
  })
  return `<table>\n${all.join('')}</table>\n`
}

function inlineHtml(content: readonly Inline[]): string {
  return content
    .map((inline) => {
      if (inline.kind === 'text') return textHtml(inline)
      if (inline.kind === 'break') return '<br>'
      const { type, bytes, width, height, alt } = inline.image
      return `<img src="data:image/${type};base64,${bytes.toString('base64')}" width="${width}" height="${height}" alt="${escapeXml(alt)}">`
    })
    .join('')
}

function textHtml({ text, style }: Text): string {
  let html = escapeXml(text)
  if (style.code) html = `<code>${html}</code>`
  if (style.script)
    html = `<${style.script === 'sub' ? 'sub' : 'sup'}>${html}</${style.script === 'sub' ? 'sub' : 'sup'}>`
  if (style.strike) html = `<s>${html}</s>`
  if (style.underline) html = `<u>${html}</u>`
  if (style.italic) html = `<em>${html}</em>`
  if (style.bold) html = `<strong>${html}</strong>`
  if (style.highlight) html = `<mark style="background-color:#${style.highlight}">${html}</mark>`
  if (style.color) html = `<span style="color:#${style.color}">${html}</span>`
  if (style.link) html = `<a href="${escapeXml(style.link)}">${html}</a>`
  return html
}

function alignment(align: Align | undefined): string {
  return align ? ` style="text-align:${align}"` : ''
}
