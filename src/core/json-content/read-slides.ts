import { z } from 'zod'
import { cleanLine, cleanText } from './clean-text.ts'
import { isObject } from './json-text.ts'
import { invalid, SLIDE_LINES_MAX, SLIDES_LENGTH_MAX, SLIDES_MAX, tooMany } from './limits.ts'

export type Slide = { title: string; lines: string[] }

const Slides = z.array(
  z.object({ title: z.string().nullish(), body: z.union([z.string(), z.array(z.string())]).nullish() }),
)

/**
 * Each line of a body is one point.
 *
 * @returns undefined for what has no list `slides`, or one in which no slide has a title or body
 * @throws Problem `json-content-invalid` for broken slides and beyond the limits
 */
export function readSlides(value: unknown): Slide[] | undefined {
  if (!isObject(value) || !Array.isArray(value.slides)) return undefined
  const { slides } = value
  const isKnown = (slide: unknown) =>
    isObject(slide) && ('title' in slide || 'body' in slide || Object.keys(slide).length === 0)
  if (slides.length > 0 && !slides.some(isKnown)) return undefined
  if (slides.length > SLIDES_MAX) throw tooMany('slides', SLIDES_MAX)
  const parsed = Slides.safeParse(slides)
  if (!parsed.success) throw invalid(`slides: ${z.prettifyError(parsed.error).slice(0, 300)}`)
  let count = 0
  let length = 0
  return parsed.data.map(({ title, body }) => {
    const lines = linesOf(body ?? [])
    count += lines.length
    if (count > SLIDE_LINES_MAX) throw tooMany('lines on slides', SLIDE_LINES_MAX)
    const slide = { title: cleanLine(title ?? '').trim(), lines }
    length += lines.reduce((sum, line) => sum + line.length, slide.title.length)
    if (length > SLIDES_LENGTH_MAX) throw tooMany('characters on slides', SLIDES_LENGTH_MAX)
    return slide
  })
}

function linesOf(body: string | string[]): string[] {
  const lines = (Array.isArray(body) ? body : [body]).flatMap((text) => cleanText(text).split('\n'))
  return lines.map((line) => line.replaceAll('\t', ' ')).filter((line) => line.trim() !== '')
}
