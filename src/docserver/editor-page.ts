import type { Response } from 'express'
import { editableTwin, formatOf } from '../core/formats.ts'
import type { Admission } from '../core/sharing/admission.ts'
import { PAGE_TOKEN_S } from '../core/tokens.ts'
import { framedPageHeaders } from '../pages/headers.ts'
import { scriptJson } from '../pages/views.ts'
import type { Door } from './door.ts'
import type { Opening } from './editor-config.ts'
import { openEditor } from './open-editor.ts'

export type EditorPage = {
  admission: Admission
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
    page.admission,
    page.documentId,
    page.opening,
  )
  const { caller, grants, seesWorkspace, isGuest, embedId, linkId, expiresAt, options } = page.admission
  const pageToken = tokens.issue(
    'page',
    {
      documentId: document.id,
      ...(caller.kind === 'client' ? { clientId: caller.id } : {}),
      ...(embedId === undefined ? {} : { embedId }),
      ...(linkId === undefined ? {} : { linkId }),
      ...(expiresAt === undefined || embedId === undefined ? {} : { expiresAt }),
      grants: [...grants],
      seesWorkspace,
      isGuest,
      // A link's are in its row.
      ...(linkId === undefined ? { options } : {}),
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
  const format = formatOf(document.file_type)
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
        homeUrl: `${basePath}/`,
        pageToken,
        grants: [...grants],
        mode: opening.mode,
        seesWorkspace,
        isGuest,
        convertsToEdit:
          seesWorkspace && grants.has('edit') && format !== undefined && editableTwin(format) !== undefined,
      }),
    }),
  )
}
