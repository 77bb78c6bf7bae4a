import { ExternalHyperlink, ImageRun, type ParagraphChild, TextRun } from 'docx'
import type { Inline, Text, TextStyle } from './document-blocks.ts'

export const CODE_FONT = 'Courier New'

/** Neighbours with the same link are one link. */
export function runsOf(content: readonly Inline[]): ParagraphChild[] {
  const runs: ParagraphChild[] = []
  let linked: TextRun[] = []
  let link: string | undefined
  const endLink = () => {
    if (link !== undefined) runs.push(new ExternalHyperlink({ link, children: linked }))
    link = undefined
    linked = []
  }
  for (const inline of content) {
    const target = inline.kind === 'text' ? inline.style.link : undefined
    if (target !== link) endLink()
    link = target
    const run = runOf(inline)
    if (link !== undefined && run instanceof TextRun) linked.push(run)
    else runs.push(run)
  }
  endLink()
  return runs
}

function runOf(inline: Inline): TextRun | ImageRun {
  if (inline.kind === 'text') return textRun(inline)
  if (inline.kind === 'break') return new TextRun({ break: 1 })
  const { type, bytes, width, height, alt } = inline.image
  return new ImageRun({
    type: type === 'jpeg' ? 'jpg' : type,
    data: bytes,
    transformation: { width, height },
    altText: { name: alt === '' ? 'Picture' : alt, description: alt },
  })
}

function textRun({ text, style }: Text): TextRun {
  return new TextRun({ text, ...formatOf(style) })
}

function formatOf(style: TextStyle) {
  return {
    ...(style.bold ? { bold: true } : {}),
    ...(style.italic ? { italics: true } : {}),
    ...(style.underline ? { underline: {} } : {}),
    ...(style.strike ? { strike: true } : {}),
    ...(style.code ? { font: CODE_FONT } : {}),
    ...(style.script === 'sub' ? { subScript: true } : {}),
    ...(style.script === 'super' ? { superScript: true } : {}),
    ...(style.color ? { color: style.color } : {}),
    // The highlight of Word knows sixteen colours only.
    ...(style.highlight ? { shading: { type: 'clear', fill: style.highlight, color: 'auto' } as const } : {}),
    ...(style.link ? { style: 'Hyperlink' } : {}),
  }
}
