import { randomBytes, randomInt, randomUUIDv7 } from 'node:crypto'
import { type Response, Router } from 'express'
import type { Caller } from '../core/callers.ts'
import { colorOf } from '../core/collaboration.ts'
import type { Deps } from '../core/deps.ts'
import { listDocuments } from '../core/list-documents.ts'
import { createDocument } from '../core/new-document.ts'
import { afterSeconds } from '../core/sessions.ts'
import type { Tokens } from '../core/tokens.ts'
import { isSignedIn } from '../http/authentication.ts'
import { DEFAULT_WORKSPACE_ID, type DocumentRow } from '../metadata/schema.ts'
import { scriptJson, type Views } from './views.ts'

const EXTERNAL_ID = 'demo-collaboration'
const TITLE = 'Shared note'
const DAY_S = 86_400
const LONGEST_NAME = 100
/** Documents of this external id that other workspaces may have. */
const MOST_LOOKED_AT = 100

const ADMINISTRATOR: Caller = { kind: 'administrator' }

const MOODS = ['Brave', 'Calm', 'Cheerful', 'Curious', 'Gentle', 'Kind', 'Lively', 'Patient', 'Quick', 'Wise']
const ANIMALS = ['Badger', 'Finch', 'Fox', 'Hare', 'Heron', 'Lynx', 'Otter', 'Owl', 'Robin', 'Seal']

export type DemoParts = {
  deps: Pick<Deps, 'database' | 'blobs' | 'config' | 'clock' | 'keyPrefix' | 'locks'>
  tokens: Tokens
  views: Views
  publicUrl: string
}

/** Below `/demo`: writing together with `/hubs/document`, shown to the administrator. */
export function demoRoutes({ deps, tokens, views, publicUrl }: DemoParts): Router {
  const router = Router()
  const { pathname, protocol } = new URL(publicUrl)
  const basePath = pathname.replace(/\/+$/, '')

  router.get('/collaboration', async (request, response) => {
    if (!(await isSignedIn(request, tokens, deps))) return response.redirect(303, `${basePath}/`)
    const document = await sharedNote(deps)
    const user = { id: randomUUIDv7(), name: nameIn(request.query.name) ?? friendlyName() }
    const nonce = setPageHeaders(response, { isHttps: protocol === 'https:' })
    const page = {
      basePath,
      documentId: document.id,
      token: tokens.issue(
        'embed',
        {
          id: randomUUIDv7(),
          documentId: document.id,
          expiresAt: afterSeconds(deps.clock(), DAY_S),
          permissions: ['view', 'edit'],
          user,
        },
        DAY_S,
      ),
      user: { name: user.name, color: colorOf(user.id) },
    }
    response.send(
      views.render('demo-collaboration', {
        nonce,
        page: scriptJson(page),
        importMap: scriptJson(importMap(basePath)),
      }),
    )
  })

  return router
}

/** Found, or made the first time and when it was deleted. */
function sharedNote(deps: DemoParts['deps']): Promise<DocumentRow> {
  // Two windows that open at once get one note.
  return deps.locks.run(EXTERNAL_ID, async () => {
    const listed = await listDocuments(deps, ADMINISTRATOR, {
      externalId: EXTERNAL_ID,
      skip: 0,
      take: MOST_LOOKED_AT,
    })
    const own = listed.documents.find((document) => document.workspace_id === DEFAULT_WORKSPACE_ID)
    return (
      own ?? createDocument(deps, ADMINISTRATOR, { title: TITLE, fileType: 'txt', externalId: EXTERNAL_ID })
    )
  })
}

function nameIn(value: unknown): string | undefined {
  const name = typeof value === 'string' ? value.trim().slice(0, LONGEST_NAME) : ''
  return name === '' ? undefined : name
}

function friendlyName(): string {
  return `${MOODS[randomInt(MOODS.length)]} ${ANIMALS[randomInt(ANIMALS.length)]}`
}

/** What the modules of the SDK and of their dependencies import by name. */
function importMap(basePath: string) {
  const vendor = `${basePath}/sdk/vendor`
  return {
    imports: {
      '@nutooffice/sdk/collaboration': `${basePath}/sdk/nuto-collaboration.js`,
      '@microsoft/signalr': `${vendor}/@microsoft/signalr/index.js`,
      yjs: `${vendor}/yjs/yjs.mjs`,
      'lib0/': `${vendor}/lib0/`,
      'y-protocols/': `${vendor}/y-protocols/`,
    },
  }
}

/** `'self'` covers WebSockets of our own host. Source: CSP3 §6.7.2.8. @returns the nonce of its scripts */
function setPageHeaders(response: Response, { isHttps }: { isHttps: boolean }): string {
  const nonce = randomBytes(16).toString('base64')
  response.set({
    'Content-Security-Policy': [
      "default-src 'none'",
      `script-src 'nonce-${nonce}'`,
      "style-src 'self'",
      'img-src data:',
      "connect-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      ...(isHttps ? ['upgrade-insecure-requests'] : []),
    ].join('; '),
    'Cache-Control': 'no-store',
  })
  return nonce
}
