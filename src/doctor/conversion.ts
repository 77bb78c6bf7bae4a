import { z } from 'zod'
import type { Run } from './parts.ts'
import { inWords, jsonOf } from './requests.ts'

// Source: ONLYOFFICE Docs API, Conversion API, error codes.
export const NOT_DOWNLOADED = -4
export const TOO_LARGE = -10

const TOKEN_S = 300

const Answer = z.looseObject({
  error: z.int().optional(),
  fileUrl: z.string().optional(),
})

export type Conversion =
  | { url: string }
  | { error: number }
  /** No answer that can be read. */
  | { refusal: string; isLate: boolean }

/** Has Document Server fetch a text file and convert it. */
export async function convertText(run: Run, url: string): Promise<Conversion> {
  const { addresses, send, limits, docServerTokens, config } = run
  // A key of its own: Document Server answers from its cache by key and format alone.
  const key = `doctor-${crypto.randomUUID()}`
  const order = {
    async: false,
    codePage: 65_001,
    filetype: 'txt',
    key,
    outputtype: 'docx',
    title: 'probe.docx',
    url,
  }
  const { answer, fault } = await send(`${addresses.docServerInternalUrl}/converter?shardkey=${key}`, {
    trust: 'ours',
    limitMs: limits.conversionMs,
    headers: {
      Accept: 'application/json',
      [config.ONLYOFFICE_JWT_HEADER]: `Bearer ${docServerTokens.sign({ payload: order }, TOKEN_S)}`,
    },
    body: { ...order, token: docServerTokens.sign(order, TOKEN_S) },
  })
  if (fault !== undefined) return { refusal: inWords(fault), isLate: fault.kind === 'time' }
  const result = Answer.safeParse(jsonOf(answer))
  if (answer.status !== 200 || !result.success) {
    return { refusal: `it answered HTTP ${answer.status} without a result`, isLate: false }
  }
  const { error, fileUrl } = result.data
  if (error !== undefined && error !== 0) return { error }
  return fileUrl === undefined ? { refusal: 'it named no file', isLate: false } : { url: fileUrl }
}
