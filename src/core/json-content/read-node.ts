import { isObject } from './json-text.ts'
import { DOCUMENT_LIMITS, invalid, NODE_LEVELS_MAX, tooMany } from './limits.ts'

export type Node = {
  /** As TipTap writes it: `bullet_list` is `bulletList`. */
  name: string
  attrs: Readonly<Record<string, unknown>>
  content: readonly unknown[]
  text: string | undefined
  marks: unknown
  /** 1 for a child of the document. */
  level: number
}

const NO_ATTRS = {}
const NO_CONTENT: readonly unknown[] = []

/** Opens the nodes of one document, and counts them. */
export class NodeReader {
  readonly #counts = { nodes: 0, lists: 0, tables: 0, 'cells of tables': 0, links: 0, pictures: 0 }

  /** @throws Problem `json-content-invalid` for what is no node, and beyond the limits */
  open(value: unknown, level: number): Node {
    this.count('nodes')
    if (level > NODE_LEVELS_MAX) throw invalid(`more than ${NODE_LEVELS_MAX} nodes inside each other`)
    if (!isObject(value) || typeof value.type !== 'string') throw invalid('a node has no type')
    const { type, text, attrs, content, marks } = value
    if (text !== undefined && typeof text !== 'string') throw invalid('the text of a node is not a string')
    if (type === 'text' && text === undefined) throw invalid('a text node has no text')
    if (content !== undefined && content !== null && !Array.isArray(content)) {
      throw invalid('the content of a node is not a list')
    }
    return {
      name: type.includes('_')
        ? type.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
        : type,
      attrs: isObject(attrs) ? attrs : NO_ATTRS,
      content: content ?? NO_CONTENT,
      text,
      marks,
      level,
    }
  }

  /** @throws Problem `json-content-invalid` */
  count(what: keyof typeof DOCUMENT_LIMITS, number = 1): void {
    this.#counts[what] += number
    if (this.#counts[what] > DOCUMENT_LIMITS[what]) throw tooMany(what, DOCUMENT_LIMITS[what])
  }
}

/** @returns undefined for anything but a whole number, which is brought into the range */
export function wholeNumber(value: unknown, min: number, max: number): number | undefined {
  const number =
    typeof value === 'string' && /^\d{1,9}(px)?$/.test(value) ? Number.parseInt(value, 10) : value
  if (typeof number !== 'number' || !Number.isFinite(number)) return undefined
  return Math.min(max, Math.max(min, Math.round(number)))
}
