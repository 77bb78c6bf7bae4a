import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import type { ConversionOrder } from '../core/ports.ts'
import { Problem, type ProblemCode } from '../errors.ts'

const FIRST_WAIT_MS = 100
const LONGEST_WAIT_MS = 2000

const Answer = z.looseObject({
  error: z.int().optional(),
  endConvert: z.boolean().optional(),
  fileUrl: z.string().optional(),
  fileType: z
    .string()
    .regex(/^\.?[a-z0-9]{1,10}$/i)
    .optional(),
})

/** What each error means to the caller. Source: ONLYOFFICE Docs API, Conversion API, error codes. */
const ERRORS: Readonly<Record<number, readonly [ProblemCode, string]>> = {
  [-1]: ['conversion-failed', 'Document Server could not convert the file and does not say why'],
  [-2]: ['conversion-failed', 'Document Server ran out of time converting the file'],
  [-3]: ['conversion-failed', 'Document Server could not convert the file: it may be damaged'],
  [-4]: ['document-server-failed', 'Document Server could not download the file from this service'],
  [-5]: ['conversion-failed', 'the file is protected by a password'],
  [-6]: ['document-server-failed', 'the database of Document Server does not answer'],
  [-7]: ['conversion-impossible', 'this Document Server does not know the format'],
  [-8]: ['document-server-failed', 'converter: the token is refused: the JWT secret or header differs'],
  [-9]: ['conversion-failed', 'Document Server could not recognise the type of the file'],
  [-10]: ['conversion-failed', 'the file is larger than Document Server converts'],
}

/**
 * Asks until the conversion is done: the same asynchronous request again and again.
 *
 * @param post sends one signed request; its answer is the body of HTTP 200
 * @throws Problem as `DocServer.convert`
 */
export async function awaitConversion(
  post: (parameters: { key: string; [name: string]: unknown }, signal: AbortSignal) => Promise<unknown>,
  { key, url, from, to, title, timeLimitS, thumbnail }: ConversionOrder,
): Promise<{ url: string; extension: string }> {
  const parameters = {
    async: true,
    filetype: from,
    key,
    outputtype: to,
    title,
    url,
    ...textParameters(from, to),
    // 1: keeps the proportions. Source: ONLYOFFICE Docs API, Conversion API, thumbnail.
    ...(thumbnail === undefined ? {} : { thumbnail: { aspect: 1, first: true, ...thumbnail } }),
  }
  const timeLimit = AbortSignal.timeout(timeLimitS * 1000)
  const late = () => new Problem('conversion-failed', `Document Server was not done after ${timeLimitS} s`)
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(waitMs * 1.5, LONGEST_WAIT_MS)) {
    const answer = readAnswer(
      await post(parameters, timeLimit).catch((error: unknown) => {
        throw timeLimit.aborted ? late() : error
      }),
    )
    if (answer.endConvert === true && answer.fileUrl !== undefined) {
      return { url: answer.fileUrl, extension: (answer.fileType ?? to).replace('.', '').toLowerCase() }
    }
    await sleep(waitMs, undefined, { signal: timeLimit }).catch(() => {
      throw late()
    })
  }
}

function readAnswer(body: unknown) {
  const answer = Answer.safeParse(body)
  if (!answer.success) {
    throw new Problem('document-server-failed', 'converter: the answer cannot be read')
  }
  const { error = 0 } = answer.data
  if (error !== 0) {
    const [code, detail] = ERRORS[error] ?? ['document-server-failed', `converter: unknown error ${error}`]
    throw new Problem(code, detail)
  }
  return answer.data
}

/** UTF-8, and how cells are separated. Source: ONLYOFFICE Docs API, Conversion API, codePage and delimiter. */
function textParameters(from: string, to: string): { codePage?: number; delimiter?: number } {
  const has = (...extensions: string[]) => extensions.includes(from) || extensions.includes(to)
  if (!has('txt', 'csv', 'tsv')) return {}
  const delimiter = has('tsv') ? 1 : 4
  return { codePage: 65_001, ...(has('csv', 'tsv') ? { delimiter } : {}) }
}
