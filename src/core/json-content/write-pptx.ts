import { newPresentation, presentationBytes } from '../blank/ooxml.ts'
import type { Slide } from './read-slides.ts'

const LAYOUT = 'Title and text'
const FONT = 'Calibri'

/** A real layout with placeholders: the editor can switch it, and the outline has the titles. Lengths in inches. */
export async function writePptx(slides: readonly Slide[], title: string): Promise<Buffer> {
  const deck = await newPresentation(title)
  deck.theme = { headFontFace: FONT, bodyFontFace: FONT }
  deck.defineSlideMaster({
    title: LAYOUT,
    slideNumber: { x: 12.4, y: 7, w: 0.6, h: 0.3, fontFace: FONT, fontSize: 11, color: '595959' },
    objects: [
      placeholder('title', 'title', { y: 0.55, h: 0.9, fontSize: 34, bold: true }),
      placeholder('body', 'body', { y: 1.75, h: 4.9, fontSize: 24 }),
    ],
  })
  // A presentation without slides cannot be shown.
  for (const slide of slides.length === 0 ? [{ title: '', lines: [] }] : slides) {
    const page = deck.addSlide({ masterName: LAYOUT })
    page.addText(slide.title, { placeholder: 'title' })
    page.addText(list(slide.lines), { placeholder: 'body' })
  }
  return presentationBytes(deck)
}

function placeholder(
  name: string,
  type: 'title' | 'body',
  box: { y: number; h: number; fontSize: number; bold?: boolean },
) {
  const place = { x: 0.75, w: 11.8, margin: 0, fontFace: FONT, align: 'left', fit: 'shrink' } as const
  const valign = type === 'title' ? 'middle' : 'top'
  return { placeholder: { options: { ...place, ...box, name, type, valign } as const, text: '' } }
}

function list(lines: readonly string[]) {
  return lines.map((text) => ({ text, options: { bullet: true, breakLine: true, paraSpaceAfter: 10 } }))
}
