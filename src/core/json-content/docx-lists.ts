import { AlignmentType, type INumberingOptions, LevelFormat } from 'docx'
import type { List } from './document-blocks.ts'

export type ListLevel = { reference: string; level: number }

/** Word knows nine levels. Source: ECMA-376 Part 1 §17.9.6 */
const LEVELS_MAX = 9

/** The definitions of the lists in one document: a numbered list has its own, as it counts by itself. */
export class DocxLists {
  readonly definitions: INumberingOptions['config'][number][] = []
  readonly #bullets = new Map<number, ListLevel>()

  /** @param depth of the lists around it, 0 for none */
  open({ style, start }: List, depth: number): ListLevel {
    const level = Math.min(depth, LEVELS_MAX - 1)
    const known = style === 'bullet' ? this.#bullets.get(level) : undefined
    if (known) return known
    const reference = `list-${this.definitions.length + 1}`
    const format =
      style === 'bullet'
        ? { format: LevelFormat.BULLET, text: ['•', '◦', '▪'][level % 3] ?? '•' }
        : { format: LevelFormat.DECIMAL, text: `%${level + 1}.`, start }
    const indent = { left: (level + 1) * 720, hanging: 360 }
    this.definitions.push({
      reference,
      levels: [{ level, alignment: AlignmentType.START, style: { paragraph: { indent } }, ...format }],
    })
    const opened = { reference, level }
    if (style === 'bullet') this.#bullets.set(level, opened)
    return opened
  }
}
