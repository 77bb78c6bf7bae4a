import { createDocServerTokens } from '../../src/docserver/tokens.ts'
import { docxOf } from './docx.ts'
import { rawRequest } from './load.ts'
import { type BenchService, SECRET } from './service.ts'

const PATH = '/api/onlyoffice/callback'
const TOKEN_S = 3600

/** Uploads and opens documents. @returns the key of each */
export async function openDocuments(service: BenchService, count: number): Promise<string[]> {
  const { head, fillerBytes, tail } = docxOf(10_000)
  const bytes = new Blob([new Uint8Array(Buffer.concat([head, Buffer.alloc(fillerBytes), tail]))])
  const keys: string[] = []
  for (let number = 0; number < count; number++) {
    const { key } = await service.config(await service.upload(`Report ${number}.docx`, bytes))
    keys.push(key)
  }
  return keys
}

/** What Document Server posts after the save button: a version of its own each time. Both tokens, all fields. */
export function saveCallback(key: string, fileUrl: string): Buffer {
  const tokens = createDocServerTokens({ secret: SECRET }, () => new Date())
  const fields = {
    key,
    status: 6,
    url: fileUrl,
    changesurl: undefined,
    users: ['ann'],
    actions: [{ type: 2, userid: 'ann' }],
    lastsave: new Date().toISOString(),
    notmodified: false,
    filetype: 'docx',
    forcesavetype: 1,
  }
  const headers = {
    'Content-Type': 'application/json',
    Authorization: `Bearer ${tokens.sign({ payload: fields }, TOKEN_S)}`,
  }
  const body = JSON.stringify({ ...fields, token: tokens.sign(fields, TOKEN_S) })
  return rawRequest('POST', PATH, headers, body)
}
