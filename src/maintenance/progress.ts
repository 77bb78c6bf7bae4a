const WIDTH = 30
const EVERY_MS = 100

/** Tells whoever waits how far the work is. */
export type Progress = {
  /** @param total is asked only where somebody looks */
  begin(label: string, total: () => number | Promise<number>): Promise<void>
  step(): void
  end(): void
}

export const NO_PROGRESS: Progress = { begin: async () => {}, step() {}, end() {} }

/** A bar on a terminal, in one line that is written anew. */
export function terminalProgress(terminal: { write(text: string): unknown }): Progress {
  let label = ''
  let total = 0
  let done = 0
  let drawnAt = 0

  function draw(): void {
    drawnAt = performance.now()
    // More may have come since they were counted.
    const of = Math.max(total, done)
    const share = of === 0 ? 1 : done / of
    const full = Math.round(share * WIDTH)
    const bar = '█'.repeat(full) + '░'.repeat(WIDTH - full)
    terminal.write(`\r\u001b[K${label} ${bar} ${Math.floor(share * 100)} %  ${done} of ${of}`)
  }

  return {
    async begin(of, count) {
      label = of
      done = 0
      total = await count()
      draw()
    },
    step() {
      done += 1
      if (performance.now() - drawnAt >= EVERY_MS) draw()
    },
    end() {
      terminal.write('\r\u001b[K')
    },
  }
}
