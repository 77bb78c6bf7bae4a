const NONE: Buffer = Buffer.alloc(0)

/** Received bytes that no whole message was taken from yet: one buffer, however small the pieces they come in. */
export class PendingBytes {
  #bytes = NONE
  #start = 0
  #end = 0
  /** Up to here the separator was looked for: many pieces never make it a search through all of them each time. */
  #searched = 0
  #isOwn = false

  get length(): number {
    return this.#end - this.#start
  }

  /** The byte at an offset from the first pending one. */
  at(offset: number): number | undefined {
    return offset < this.length ? this.#bytes[this.#start + offset] : undefined
  }

  add(piece: Buffer): void {
    if (this.length === 0) {
      this.#become(piece, piece.length, false)
      return
    }
    const needed = this.length + piece.length
    if (!this.#isOwn || this.#end + piece.length > this.#bytes.length) {
      const searched = this.#searched - this.#start
      const larger = Buffer.allocUnsafeSlow(Math.max(256, needed * 2))
      this.#bytes.copy(larger, 0, this.#start, this.#end)
      this.#become(larger, this.length, true)
      this.#searched = searched
    }
    piece.copy(this.#bytes, this.#end)
    this.#end += piece.length
  }

  /** How many bytes come before `separator`; undefined while it has not come. */
  lengthBefore(separator: number): number | undefined {
    const at = this.#bytes.indexOf(separator, this.#searched)
    if (at !== -1 && at < this.#end) return at - this.#start
    this.#searched = this.#end
    return undefined
  }

  /** Takes `skip` bytes away and then gives the next `length`: a view that stays as it is. */
  take(skip: number, length: number): Buffer {
    const from = this.#start + skip
    const taken = this.#bytes.subarray(from, from + length)
    this.drop(skip + length)
    return taken
  }

  drop(length: number): void {
    this.#start += length
    this.#searched = this.#start
    // An idle connection holds no buffer.
    if (this.#start >= this.#end) this.clear()
  }

  clear(): void {
    this.#become(NONE, 0, false)
  }

  #become(bytes: Buffer, end: number, isOwn: boolean): void {
    this.#bytes = bytes
    this.#start = 0
    this.#searched = 0
    this.#end = end
    this.#isOwn = isOwn
  }
}
