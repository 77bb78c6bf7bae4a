import { z } from 'zod'
import { listFolders, moveFolder } from '../core/folders.ts'
import type { Api } from './api.ts'
import { Folder } from './fields.ts'
import { type Operation, operation } from './operation.ts'

const Folders = z
  .object({ folders: z.array(z.object({ folder: z.string(), count: z.int() })) })
  .meta({ id: 'FolderList' })

/** Places of documents: a folder exists while a document lies in it or below it. */
export function folderOperations({ deps }: Api): Operation[] {
  return [
    operation({
      method: 'get',
      paths: ['/folders'],
      tag: 'Folders',
      summary: 'The folders in a folder, with the number of documents in and below each',
      access: 'token',
      permission: 'documents:read',
      query: z.object({ parent: Folder.default('/') }),
      answer: { status: 200, json: Folders },
      async handle({ caller, query }) {
        return { folders: await listFolders(deps, caller, query.parent) }
      },
    }),

    operation({
      method: 'post',
      paths: ['/folders/move'],
      tag: 'Folders',
      summary: 'Move or rename a folder with everything below it',
      access: 'token',
      permission: 'documents:write',
      body: z.object({ from: Folder, to: Folder }),
      answer: { status: 200, json: z.object({ moved: z.int() }) },
      async handle({ caller, body }) {
        return { moved: await moveFolder(deps, caller, body) }
      },
    }),
  ]
}
