import { z } from 'zod'
import type { ZodOpenApiPathsObject, ZodOpenApiSchemaObject } from 'zod-openapi'
import { OpeningQuery } from '../docserver/open-editor.ts'

/** How Document Server's endpoints tell errors. Source: TMA Cloud, OnlyOffice API. */
export const ONLYOFFICE_SCHEMAS: Record<string, ZodOpenApiSchemaObject> = {
  EndpointError: {
    type: 'object',
    properties: {
      message: { type: 'string' },
      error: { type: 'string', description: 'A code in capitals, like `MIME_TYPE_MISMATCH`' },
      errors: {
        type: 'object',
        description: 'What is wrong with which field',
        additionalProperties: { type: 'array', items: { type: 'string' } },
      },
    },
    required: ['message', 'error'],
    additionalProperties: false,
  },
}

const DocumentId = z.object({ id: z.string().meta({ format: 'uuid' }) })

const Config = z.object({
  config: z.looseObject({}).meta({ description: 'For `DocsAPI.DocEditor`, with `token` put into it' }),
  token: z.string().meta({ description: 'The signature of `config`' }),
  onlyofficeJsUrl: z.string().meta({ description: 'The script that brings `DocsAPI`' }),
})

const Formats = z.object({
  formats: z.array(
    z.object({
      extension: z.string(),
      documentType: z.string(),
      view: z.boolean(),
      edit: z.boolean(),
      lossyEdit: z.boolean(),
      fill: z.boolean(),
      review: z.boolean(),
      comment: z.boolean(),
      convertTo: z.array(z.string()),
      mimeTypes: z.array(z.string()),
    }),
  ),
  conversions: z.looseObject({}).meta({ description: 'What each engine converts to what' }),
})

const Status = z.looseObject({
  configured: z.boolean(),
  emulated: z.boolean(),
  healthy: z.boolean(),
})

const SavedNow = z.object({
  outcome: z.enum(['saved', 'unchanged']),
  versionNumber: z.int(),
  savedAt: z.iso.datetime(),
})

const MEANINGS = {
  400: 'The query is wrong, no editor knows the format, or the file is not of it',
  401: 'The token is missing or wrong',
  403: 'This was not granted for the document',
  404: 'No such document',
  424: 'No Document Server is configured',
  429: 'Too many requests',
  500: 'A fault of ours',
  503: 'The document is being saved, or Document Server does not save it: try again shortly',
} as const

/** What integrators call of the ONLYOFFICE endpoints. */
export const ONLYOFFICE_PATHS: ZodOpenApiPathsObject = {
  '/onlyoffice/config/{id}': {
    get: {
      ...common('getOnlyofficeConfigById', 'A signed config for the editor'),
      security: [{ bearer: [] }],
      requestParams: { path: DocumentId, query: OpeningQuery },
      responses: { 200: json(Config), ...errors(400, 401, 404, 424, 429, 500, 503) },
    },
  },
  '/onlyoffice/viewer/{id}': {
    get: {
      ...common('getOnlyofficeViewerById', 'The page around the editor'),
      security: [{ bearer: [] }],
      requestParams: { path: DocumentId, query: OpeningQuery },
      responses: {
        200: { description: 'The page', content: { 'text/html': { schema: { type: 'string' } } } },
        ...errors(400, 401, 404, 424, 429, 500, 503),
      },
    },
  },
  '/onlyoffice/documents/{id}/save': {
    post: {
      ...common('postOnlyofficeDocumentsByIdSave', "Have the editor's state stored now and wait for it"),
      description: 'For the token of an embed, too, if it may edit.',
      security: [{ bearer: [] }],
      requestParams: { path: DocumentId },
      responses: { 200: json(SavedNow), ...errors(401, 403, 404, 424, 429, 500, 503) },
    },
  },
  '/onlyoffice/formats': {
    get: {
      ...common('getOnlyofficeFormats', 'What the editor can do with which format'),
      security: [],
      responses: { 200: json(Formats), ...errors(429, 500) },
    },
  },
  '/onlyoffice/status': {
    get: {
      ...common('getOnlyofficeStatus', 'Whether editing works; for the administrator also what is at risk'),
      security: [{ bearer: [] }],
      responses: { 200: json(Status), ...errors(401, 429, 500) },
    },
  },
}

function common(operationId: string, summary: string) {
  return { operationId, summary, tags: ['ONLYOFFICE'] }
}

function json(schema: z.ZodType) {
  return { description: 'The answer', content: { 'application/json': { schema } } }
}

function errors(...statuses: (keyof typeof MEANINGS)[]) {
  const schema = { $ref: '#/components/schemas/EndpointError' }
  return Object.fromEntries(
    statuses.map((status) => [
      String(status),
      { description: MEANINGS[status], content: { 'application/json': { schema } } },
    ]),
  )
}
