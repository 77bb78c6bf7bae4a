import { readParagraphs, writeParagraphs } from './docx.ts'
import type { Edit } from './types.ts'

const WORD_TYPES = new Set(['docx', 'docm', 'dotx', 'dotm'])
const TEXT_TYPES = new Set(['txt', 'csv', 'md'])

/** The current bytes of one document, and its text where the emulator can edit it. */
export class Content {
  readonly fileType: string
  #bytes: Buffer
  #paragraphs: string[] | undefined
  #isRead = false
  readonly #pending = new Map<number, string>()

  constructor(bytes: Buffer, fileType: string) {
    this.#bytes = bytes
    this.fileType = fileType
  }

  /** False for the types whose text the emulator cannot edit. */
  get isEditable(): boolean {
    return this.#text() !== undefined
  }

  /** Of a docx one text per paragraph; of a text file the whole text as the only one; else none. */
  paragraphs(): string[] {
    return [...(this.#text() ?? [])]
  }

  /** @throws RangeError when this type cannot be edited or there is no such paragraph */
  apply(edit: Edit): void {
    if ('bytes' in edit) {
      this.#bytes = edit.bytes
      this.#isRead = false
      this.#pending.clear()
      return
    }
    const paragraphs = this.#text()
    if (!paragraphs) throw new RangeError(`the text of a ${this.fileType} cannot be edited here`)
    const last = WORD_TYPES.has(this.fileType) ? paragraphs.length : 0
    if (!Number.isInteger(edit.index) || edit.index < 0 || edit.index > last) {
      throw new RangeError(`there is no paragraph ${edit.index}`)
    }
    paragraphs[edit.index] = edit.text
    this.#pending.set(edit.index, edit.text)
  }

  /** What a conversion of the current state gives. */
  bytes(): Buffer {
    if (this.#pending.size > 0) {
      this.#bytes = WORD_TYPES.has(this.fileType)
        ? writeParagraphs(this.#bytes, this.#pending)
        : Buffer.from(this.#pending.get(0) ?? '', 'utf8')
      this.#pending.clear()
    }
    return this.#bytes
  }

  #text(): string[] | undefined {
    if (!this.#isRead) {
      this.#isRead = true
      this.#paragraphs = readText(this.#bytes, this.fileType)
    }
    return this.#paragraphs
  }
}

/** Undefined for types whose text cannot be read here, and for broken files. */
export function readText(bytes: Buffer, fileType: string): string[] | undefined {
  if (WORD_TYPES.has(fileType)) return readParagraphs(bytes)
  if (!TEXT_TYPES.has(fileType)) return undefined
  try {
    return [new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)]
  } catch {
    return undefined
  }
}
