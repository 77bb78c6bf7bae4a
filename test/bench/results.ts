import type { Medians } from './rounds.ts'

export type Result = {
  /** With its unit. */
  row: string
  ours: number
  reference?: number
  target: string
  isMet: boolean
  /** Highest resident memory of the service, MiB. */
  peakRss?: number
}

/** More is better, and ours must reach `least` times the reference. */
export function atLeast(row: string, { ours, reference }: Medians, least: number, peakRss?: number): Result {
  const isMet = ours / reference >= least
  return {
    row,
    ours,
    reference,
    target: `≥ ${least} ×`,
    isMet,
    ...(peakRss === undefined ? {} : { peakRss }),
  }
}

/** Less is better, and ours must stay below `most`. */
export function below(
  row: string,
  { ours, reference }: { ours: number; reference?: number },
  most: number,
  peakRss?: number,
): Result {
  return {
    row,
    ours,
    target: `< ${most}`,
    isMet: ours < most,
    ...(reference === undefined ? {} : { reference }),
    ...(peakRss === undefined ? {} : { peakRss }),
  }
}

const HEADINGS = ['row', 'ours', 'reference', 'ratio', 'target', 'met?', 'RSS MiB']

export function table(results: Result[]): string {
  const lines = [HEADINGS, ...results.map(cells)]
  const widths = HEADINGS.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  const rendered = lines.map((line) =>
    line
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  '),
  )
  return `${rendered.join('\n')}\n`
}

function cells({ row, ours, reference, target, isMet, peakRss }: Result): string[] {
  return [
    row,
    figure(ours),
    reference === undefined ? '' : figure(reference),
    reference === undefined ? '' : (ours / reference).toFixed(2),
    target,
    isMet ? 'yes' : 'NO',
    peakRss === undefined ? '' : figure(peakRss),
  ]
}

function figure(value: number): string {
  return value.toLocaleString('en', { maximumFractionDigits: value < 10 ? 2 : value < 100 ? 1 : 0 })
}
