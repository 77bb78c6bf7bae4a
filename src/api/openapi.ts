import { readFileSync } from 'node:fs'
import { z } from 'zod'
import {
  createDocument,
  type ZodOpenApiObject,
  type ZodOpenApiOperationObject,
  type ZodOpenApiPathsObject,
} from 'zod-openapi'
import { ONLYOFFICE_PATHS, ONLYOFFICE_SCHEMAS } from './openapi-onlyoffice.ts'
import { PROBLEM_SCHEMA } from './openapi-problems.ts'
import { override, PARAMETERS, requestOf } from './openapi-request.ts'
import { HEADERS, responsesOf, type SharedResponses } from './openapi-response.ts'
import { ABOUT, TAGS } from './openapi-words.ts'
import type { Operation } from './operation.ts'

const PACKAGE = new URL('../../package.json', import.meta.url)

/** Describes what is served, from the schemas that it is checked against. Source: OpenAPI 3.1.1. */
export function openApiDocument(
  operations: Operation[],
  { publicUrl }: { publicUrl: string },
): ReturnType<typeof createDocument> {
  const responses: SharedResponses = {}
  const document: ZodOpenApiObject = {
    openapi: '3.1.1',
    info: { title: 'docs-connector', version: ownVersion(), description: ABOUT },
    servers: [{ url: `${publicUrl}/api` }],
    tags: TAGS,
    paths: { ...pathsOf(operations, responses), ...ONLYOFFICE_PATHS },
    components: {
      schemas: { Problem: PROBLEM_SCHEMA, ...ONLYOFFICE_SCHEMAS },
      responses,
      parameters: PARAMETERS,
      headers: HEADERS,
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          description: 'The token of `POST /auth/token`, or the `ADMIN_TOKEN`',
        },
      },
    },
  }
  return createDocument(document, { override })
}

function pathsOf(operations: Operation[], responses: SharedResponses): ZodOpenApiPathsObject {
  const paths: ZodOpenApiPathsObject = {}
  for (const one of operations) {
    for (const path of one.paths) {
      const name = templateOf(path)
      paths[name] = { ...paths[name], [one.method]: describe(one, path, responses) }
    }
  }
  return paths
}

function describe(one: Operation, path: string, responses: SharedResponses): ZodOpenApiOperationObject {
  return {
    operationId: operationIdOf(one.method, path),
    tags: [one.tag],
    summary: one.summary,
    ...(path === one.paths[0] ? {} : { deprecated: false }),
    description: remarksOn(one, path).join(' '),
    security: securityOf(one),
    ...requestOf(one),
    responses: responsesOf(one, responses),
  }
}

function remarksOn(one: Operation, path: string): string[] {
  const [first] = one.paths
  const remarks = {
    [`An alias of \`${one.method.toUpperCase()} ${templateOf(first)}\`.`]: path !== first,
    [`Needs \`${one.permission}\`.`]: one.permission !== undefined,
    'For the administrator.': one.access === 'administrator' || one.access === 'setup',
  }
  return Object.keys(remarks).filter((remark) => remarks[remark])
}

function securityOf({ access, isOpenTo }: Operation): Record<string, string[]>[] {
  if (access === 'open') return []
  return isOpenTo === undefined ? [{ bearer: [] }] : [{ bearer: [] }, {}]
}

/** `/documents/:documentId` as `/documents/{documentId}`. */
function templateOf(path: string): string {
  return path.replace(/:(\w+)/g, '{$1}')
}

/** `get /documents/:documentId/versions` as `getDocumentsByDocumentIdVersions`: summaries may change, this may not. */
function operationIdOf(method: string, path: string): string {
  const words = path.replaceAll(':', 'by-').split(/[/-]/).filter(Boolean)
  return method + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('')
}

function ownVersion(): string {
  return z.object({ version: z.string() }).parse(JSON.parse(readFileSync(PACKAGE, 'utf8'))).version
}
