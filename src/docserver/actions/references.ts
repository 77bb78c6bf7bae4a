import { z } from 'zod'
import { formatOf } from '../../core/formats.ts'
import { demandType, neighbourOf, newestContent, referredDocument } from '../../core/linked-files.ts'
import { Problem } from '../../errors.ts'
import type { DocumentRow } from '../../metadata/schema.ts'
import { type Action, action, Id } from '../action.ts'
import type { Door } from '../door.ts'
import { METHOD_TOKEN_S, type ReferenceFile, signedFor } from '../methods.ts'
import { documentIdIn, fileAddress, viewerAddress } from '../own-addresses.ts'
import { Address, FileName } from './fields.ts'

/** As the editor keeps it in a spreadsheet; of another installation, it may hold anything. */
const Referred = z.object({
  referenceData: z
    .looseObject({ fileKey: z.string().max(1000), instanceId: z.string().max(2000) })
    .optional(),
  path: FileName.optional(),
  link: Address.optional(),
})

/** The editor shows the text. */
const NOT_FOUND = { error: 'The linked file was not found' }

/**
 * Spreadsheets that take values from others.
 *
 * Source: ONLYOFFICE Docs API, Events, onRequestReferenceData, onRequestReferenceSource, onRequestOpen.
 */
export function referenceActions(door: Door): Action[] {
  const { deps, docServerTokens, addresses } = door

  function referred(
    document: DocumentRow,
    { referenceData, path, link }: z.output<typeof Referred>,
  ): Promise<DocumentRow | undefined> {
    return referredDocument(deps, document, {
      id: referenceData?.instanceId === addresses.publicUrl ? referenceData.fileKey : undefined,
      path,
      linkedId: link && documentIdIn(door, link),
    })
  }

  return [
    action({
      method: 'post',
      path: '/reference-data',
      grant: 'edit',
      needsWorkspace: true,
      body: Referred,
      async handle({ visitor: { document }, body }) {
        const found = await referred(document, body)
        if (found === undefined || formatOf(found.file_type)?.type !== 'cell') return NOT_FOUND
        const file = await referenceFile(door, found)
        return signedFor(docServerTokens, 'setReferenceData', file, METHOD_TOKEN_S)
      },
    }),

    action({
      method: 'post',
      path: '/reference-source',
      grant: 'edit',
      needsWorkspace: true,
      body: Referred.extend({ documentId: Id.optional() }),
      async handle({ visitor: { document }, body: { documentId, ...reference } }) {
        const chosen =
          documentId === undefined
            ? await referred(document, reference)
            : await neighbourOf(deps, document, documentId)
        if (chosen === undefined) return NOT_FOUND
        demandType(chosen, 'cell')
        const file = await referenceFile(door, chosen)
        return signedFor(docServerTokens, 'setReferenceSource', file, METHOD_TOKEN_S)
      },
    }),

    action({
      method: 'post',
      path: '/open',
      grant: 'view',
      needsWorkspace: true,
      // The tab's name is the page's own business.
      body: Referred.extend({ windowName: z.string().max(1000).optional() }),
      async handle({ visitor: { document }, body }) {
        const found = await referred(document, body)
        if (found === undefined) throw new Problem('document-not-found', NOT_FOUND.error)
        return { url: viewerAddress(door, found.id) }
      },
    }),
  ]
}

async function referenceFile(door: Door, document: DocumentRow): Promise<ReferenceFile> {
  const { key, version } = await newestContent(door.deps, document)
  await door.openableFormat(version)
  return {
    fileType: version.file_type,
    key,
    path: `${document.title}.${version.file_type}`,
    referenceData: { fileKey: document.id, instanceId: door.addresses.publicUrl },
    url: fileAddress(door, document.id, { versionId: version.id, part: 'content' }),
    link: viewerAddress(door, document.id),
  }
}
