import { z } from 'zod'
import type { CreateDocumentOptions, ZodOpenApiOperationObject, ZodOpenApiSchemaObject } from 'zod-openapi'
import type { Operation } from './operation.ts'

export const PARAMETERS = {
  IdempotencyKey: {
    name: 'Idempotency-Key',
    in: 'header',
    description: 'Sent again with the same key, a request answers what it answered and makes nothing new',
    schema: { type: 'string', minLength: 1, maxLength: 255, pattern: '^[\\x21-\\x7e]+$' },
  },
  IfMatch: {
    name: 'If-Match',
    in: 'header',
    description: 'The `ETag` of the document: it is changed only if nobody else has changed it since',
    schema: { type: 'string' },
  },
} as const

type Described = Pick<ZodOpenApiOperationObject, 'requestParams' | 'parameters' | 'requestBody'>

/** What an operation takes. */
export function requestOf(one: Operation): Described {
  const parameters = [
    one.isRepeatable === true && 'IdempotencyKey',
    one.isConditional === true && 'IfMatch',
  ].filter((name) => name !== false)
  const body = bodyOf(one)
  return {
    requestParams: {
      ...(one.params === undefined ? {} : { path: objectOf(one.params) }),
      ...(one.query === undefined ? {} : { query: inQuery(objectOf(one.query)) }),
    },
    parameters: parameters.map((name) => ({ $ref: `#/components/parameters/${name}` })),
    ...(body === undefined ? {} : { requestBody: body }),
  }
}

function bodyOf({ body, isUpload }: Operation): Described['requestBody'] {
  if (isUpload === true) {
    const file = { type: 'string', format: 'binary', description: 'The part needs a file name' } as const
    const schema = {
      type: 'object',
      properties: { file },
      required: ['file'],
    } satisfies ZodOpenApiSchemaObject
    return { required: true, content: { 'multipart/form-data': { schema } } }
  }
  if (body === undefined) return undefined
  // A request without a body is taken as one with an empty object.
  return { required: !body.safeParse({}).success, content: { 'application/json': { schema: body } } }
}

function objectOf(schema: z.ZodType): z.ZodObject {
  if (schema instanceof z.ZodObject) return schema
  throw new Error('parameters are described by an object')
}

/** Values by name are written `metadata[color]=red`. Source: OpenAPI 3.1, Style Values. */
function inQuery({ shape }: z.ZodObject): z.ZodObject {
  return z.object(
    Object.fromEntries(
      Object.entries(shape).map(([name, schema]) => {
        const bare = schema instanceof z.ZodOptional ? schema.unwrap() : schema
        const read = bare instanceof z.ZodPipe ? bare.out : bare
        if (!(schema instanceof z.ZodType && read instanceof z.ZodRecord)) return [name, schema]
        // Without an example Swagger UI would fill in one of its own.
        const param = { style: 'deepObject', explode: true, example: {} } as const
        return [name, schema.meta({ ...schema.meta(), param })]
      }),
    ),
  )
}

/** What our schemas mean and JSON Schema is not told by itself. */
export const override: NonNullable<CreateDocumentOptions['override']> = ({ zodSchema, jsonSchema, io }) => {
  const { def } = zodSchema._zod
  if (io === 'input' && def.type === 'default') jsonSchema.default = def.defaultValue
  // z.stringbool(): `true` and `false`, and further words for them.
  if (def.type === 'pipe' && def.in._zod.def.type === 'string' && def.out._zod.def.type === 'boolean')
    jsonSchema.type = 'boolean'
  // The format says it; zod's patterns for them fill half a page. JSON Schema knows no case-insensitive ones.
  const isCaseless = def.checks?.some(({ _zod: { def: check } }) => {
    return 'pattern' in check && check.pattern instanceof RegExp && check.pattern.ignoreCase
  })
  if (jsonSchema.format !== undefined || isCaseless) delete jsonSchema.pattern
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum
}
