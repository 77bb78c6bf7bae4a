import type { Response } from 'express'
import type { Caller } from '../core/callers.ts'
import { PAGE_TOKEN_S } from '../core/tokens.ts'
import { framedPageHeaders } from '../pages/headers.ts'
import { scriptJson } from '../pages/views.ts'
import type { Door } from './door.ts'
import type { Opening } from './editor-config.ts'
import { openEditor } from './open-editor.ts'

export type EditorPage = {
  caller: Caller
  documentId: string
  opening: Opening
  /** Sites that may frame the page, beside our own. */
  frameAncestors: readonly string[]
}

/** Opens a document and answers with the page around its editor. @throws Problem as `openEditor` */
export async function sendEditorPage(door: Door, response: Response, page: EditorPage): Promise<void> {
  const { deps, addresses, tokens, views } = door
  const { config, token, document, opening, onlyofficeJsUrl } = await openEditor(
    door,
    page.caller,
    page.documentId,
    page.opening,
  )
  const pageToken = tokens.issue(
    'page',
    {
      documentId: document.id,
      ...(page.caller.kind === 'client' ? { clientId: page.caller.id } : {}),
      ...opening,
    },
    PAGE_TOKEN_S,
  )
  const nonce = framedPageHeaders(response, {
    publicUrl: addresses.publicUrl,
    docServerUrl: addresses.docServerUrl,
    isEmulated: deps.config.isEmulated,
    frameAncestors: page.frameAncestors,
  })
  // Paths without a host: the page works under whatever name a browser reached us by.
  const basePath = new URL(addresses.publicUrl).pathname.replace(/\/+$/, '')
  response.send(
    views.render('editor', {
      nonce,
      title: config.document.title,
      lang: opening.lang ?? 'en',
      apiUrl: deps.config.isEmulated ? new URL(onlyofficeJsUrl).pathname : onlyofficeJsUrl,
      page: scriptJson({
        config: { ...config, token },
        documentUrl: `${basePath}/api/onlyoffice/documents/${document.id}`,
        pageToken,
      }),
    }),
  )
}
