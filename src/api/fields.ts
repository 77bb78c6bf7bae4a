import { z } from 'zod'
import { MAX_TITLE_LENGTH } from '../core/titles.ts'

const TYPES = ['Docs', 'Sheet', 'Slide'] as const

/** Enum spellings in any case, given out exactly. */
export const DocType = z.string().transform((given, context): (typeof TYPES)[number] => {
  const type = TYPES.find((one) => one.toLowerCase() === given.toLowerCase())
  if (type !== undefined) return type
  context.addIssue(`one of ${TYPES.join(', ')}`)
  return z.NEVER
})

export const Title = z
  .string()
  .min(1)
  .refine((title) => [...title].length <= MAX_TITLE_LENGTH, `at most ${MAX_TITLE_LENGTH} characters`)
