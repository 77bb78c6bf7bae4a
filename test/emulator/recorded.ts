import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'

const FOLDER = path.resolve(import.meta.dirname, '../../../shared/fixtures')

/** False where the recordings of a real Document Server are not at hand. */
export const hasRecordings = existsSync(FOLDER)

type Recorded = {
  tokenBodyDecoded: Record<string, unknown>
  authDecoded: { payload: Record<string, unknown> }
}

/** The callbacks that a real Document Server sent, in order. */
export function recordedCallbacks(): Recorded[] {
  return readFileSync(path.join(FOLDER, 'callbacks.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
}

/** Of one recorded callback: its signed fields without the token's times. */
export function recordedFields(index: number): Record<string, unknown> {
  const { iat: _iat, exp: _exp, ...fields } = recordedCallbacks()[index]?.tokenBodyDecoded ?? {}
  return fields
}

export type RecordedAnswer = { status: number; type: string; body: string }

/** The answers of a recording by the name of their request. */
export function recordedAnswers(file: string): Map<string, RecordedAnswer> {
  const answers = new Map<string, RecordedAnswer>()
  for (const section of readFileSync(path.join(FOLDER, file), 'utf8').split(/^## /m)) {
    const [name = '', answer = ''] = section.split('\n')
    const match = /^ +(\d+) (\w+\/\w+(?:; charset=[\w-]+)?) (.*)$/.exec(answer)
    if (match?.[1] && match[2]) {
      answers.set(name, { status: Number(match[1]), type: match[2], body: match[3] ?? '' })
    }
  }
  return answers
}

/**
 * The fields in their order with the types of their values; times and addresses are reduced to
 * their form, so that two equal shapes are the same on the wire but for the values.
 */
export function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shapeOf)
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).map(([field, inner]) => [field, shapeOf(inner)])
  }
  if (typeof value !== 'string') return value === null ? 'null' : typeof value
  if (/^\d{4}-\d\d-\d\dT/.test(value)) return value.endsWith('.000Z') ? 'whole seconds' : 'milliseconds'
  if (/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(value)) return 'date and time'
  if (/^[0-9a-f]{64}$/.test(value)) return 'sha256'
  if (!URL.canParse(value)) return 'string'
  const url = new URL(value)
  const md5 = url.searchParams.get('md5') ?? ''
  return [
    url.pathname.replace(/^.*\/data\/[^/]+_\d+\//, '…/data/KEY_N/'),
    [...url.searchParams.keys()],
    md5.length,
  ]
}
