import { z } from 'zod'
import { MAX_FOLDER_LENGTH, normalizedFolder } from '../core/folders.ts'
import { MAX_TITLE_LENGTH } from '../core/titles.ts'

const TYPES = ['Docs', 'Sheet', 'Slide'] as const
const MOST_METADATA = 50

/** As it is given out. */
export const DocType = z.enum(TYPES).meta({ id: 'DocType' })

/** Taken in any case. */
export const GivenType = z
  .string()
  .transform((given) => TYPES.find((one) => one.toLowerCase() === given.toLowerCase()) ?? given)
  .pipe(DocType)
  .meta({ enum: TYPES })

export const Title = z
  .string()
  .min(1)
  .refine((title) => [...title].length <= MAX_TITLE_LENGTH, `at most ${MAX_TITLE_LENGTH} characters`)
  .meta({ description: `1 to ${MAX_TITLE_LENGTH} characters`, maxLength: MAX_TITLE_LENGTH })

/** Blanks around it are trimmed: the iframe of the API page's own sample has one. */
export const Id = z.string().trim().max(100).meta({ format: 'uuid' })

export const OfDocument = z.object({ documentId: Id })

export const Folder = z
  .string()
  .max(MAX_FOLDER_LENGTH * 2)
  .transform((given, context) => {
    const folder = normalizedFolder(given)
    if (folder !== undefined) return folder
    context.addIssue('names with / between them, none of them . or .., at most 1000 characters')
    return z.NEVER
  })
  .meta({ description: '`/` or a path like `/reports/2026`' })

export const ExternalId = z.string().min(1).max(200)

const MetadataName = z
  .string()
  .min(1)
  .max(100)
  .refine((name) => name.isWellFormed(), 'not well-formed Unicode')

/** Small values by name. */
export const Metadata = z
  // Counted before each is looked at: a body may hold hundreds of thousands.
  .preprocess(
    (given, context) => {
      if (!isObject(given) || Object.keys(given).length <= MOST_METADATA) return given
      context.addIssue(`at most ${MOST_METADATA} values`)
      return z.NEVER
    },
    z.record(MetadataName, z.union([z.string().max(1000), z.number(), z.boolean()])),
  )

function isObject(given: unknown): given is object {
  return typeof given === 'object' && given !== null
}

/** Where a new document lies and what its owner knows it by; beyond the API page. */
export const Place = z.object({
  folder: Folder.optional(),
  externalId: ExternalId.optional(),
  metadata: Metadata.optional(),
})

/** A time from outside, brought into the form that is kept and compared as text. */
export const Moment = z.iso.datetime({ offset: true }).transform((given) => new Date(given).toISOString())

/** ISO 8601 in UTC. */
export const Time = z.string().meta({ format: 'date-time' })

/** `metadata[color]=red` as `{color: 'red'}`. Source: OpenAPI 3.1, style deepObject. */
export const MetadataQuery = z.record(MetadataName, z.string().max(1000))

/** Brings `name[key]=value` of a query under `name`. */
export function withNested(name: string, query: Record<string, unknown>): Record<string, unknown> {
  const nested = Object.entries(query).filter(([key]) => key.startsWith(`${name}[`) && key.endsWith(']'))
  if (nested.length === 0) return query
  const values = nested.map(([key, value]) => [key.slice(name.length + 1, -1), value] as const)
  return { ...query, [name]: Object.fromEntries(values) }
}
