import { Agent as HttpAgent, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { createSecureContext } from 'node:tls'
import axios, { type AxiosInstance, type AxiosResponse, isAxiosError } from 'axios'
import { z } from 'zod'
import type { CommandError, ConversionOrder, DocServer, Download } from '../core/ports.ts'
import { Problem } from '../errors.ts'
import { withoutQuery } from '../log.ts'
import { type DocServerAddresses, fetchAddress } from './addresses.ts'
import { trustedAuthorities } from './authorities.ts'
import { checkedBody } from './checked-body.ts'
import { awaitConversion } from './conversion-client.ts'
import type { DocServerTokens } from './tokens.ts'

const MAX_ANSWER_BYTES = 16 * 1024 ** 2
const COMMAND_TOKEN_S = 300

export type DocServerOptions = {
  addresses: DocServerAddresses
  tokens: DocServerTokens
  /** Header that carries the token. */
  header: string
  /** PEM file of a private certificate authority, believed beside the system's, for all legs alike. */
  caFile?: string | undefined
  commandTimeoutS: number
  stallS: number
  /** Tests put failing agents in. */
  agents?: { httpAgent: HttpAgent; httpsAgent: HttpsAgent }
}

const Answer = z.looseObject({ error: z.int().optional() })

/** All requests to Document Server go through this one client: own origins, no redirects, limits on everything. */
export class HttpDocServer implements DocServer {
  readonly #options: DocServerOptions
  readonly #http: AxiosInstance

  constructor(options: DocServerOptions) {
    this.#options = options
    const ca = trustedAuthorities(options.caFile)
    // Made once: over a hundred certificates would be read again for every connection.
    const trust = ca === undefined ? {} : { secureContext: createSecureContext({ ca }) }
    this.#http = axios.create({
      httpAgent: new HttpAgent({ keepAlive: true }),
      httpsAgent: new HttpsAgent({ keepAlive: true, ...trust }),
      ...options.agents,
      proxy: false,
      maxRedirects: 0,
      validateStatus: () => true,
    })
  }

  async download(
    url: string,
    { maxBytes, signal }: { maxBytes: number; signal?: AbortSignal },
  ): Promise<Download> {
    const { address, response } = await this.#fetchFile('GET', url, signal)
    const body = response.data as IncomingMessage
    const size = announcedSize(response)
    if (size !== undefined && size > maxBytes) {
      body.destroy()
      throw new Problem('download-refused', `the file has ${size} bytes, the limit is ${maxBytes}`)
    }
    const bytes = checkedBody(body, {
      size,
      maxBytes,
      stallS: this.#options.stallS,
      name: withoutQuery(address),
    })
    return { bytes, size, lastModified: headerOf(response, 'last-modified') }
  }

  async head(url: string): Promise<{ size: number | undefined; lastModified: string | undefined }> {
    const { response } = await this.#fetchFile('HEAD', url)
    ;(response.data as IncomingMessage).destroy()
    return { size: announcedSize(response), lastModified: headerOf(response, 'last-modified') }
  }

  /** Signed downloads too: Document Server may be set to want a token from everyone. */
  async #fetchFile(method: 'GET' | 'HEAD', url: string, signal?: AbortSignal) {
    const address = fetchAddress(this.#options.addresses, url)
    const response = await this.#http
      .request({
        method,
        url: address,
        responseType: 'stream',
        decompress: false,
        timeout: this.#options.stallS * 1000,
        headers: { 'Accept-Encoding': 'identity' },
        ...(signal === undefined ? {} : { signal }),
      })
      .catch((cause: unknown) => {
        throw new Problem('download-failed', `${withoutQuery(address)} cannot be fetched: ${reason(cause)}`, {
          cause,
        })
      })
    const refusal = refusalOf(response)
    if (refusal !== undefined) {
      ;(response.data as IncomingMessage).destroy()
      throw new Problem(refusal, `${withoutQuery(address)} answered ${response.status}`)
    }
    return { address, response }
  }

  async #command(command: {
    c: string
    key?: string
    [field: string]: unknown
  }): Promise<Record<string, unknown>> {
    const { tokens, header, commandTimeoutS, addresses } = this.#options
    const query = command.key === undefined ? '' : `?shardkey=${encodeURIComponent(command.key)}`
    const response = await this.#http
      .post(
        `${addresses.internalUrl}/coauthoring/CommandService.ashx${query}`,
        { ...command, token: tokens.sign(command, COMMAND_TOKEN_S) },
        {
          // Over all, not only between two bytes.
          signal: AbortSignal.timeout(commandTimeoutS * 1000),
          maxContentLength: MAX_ANSWER_BYTES,
          headers: { [header]: `Bearer ${tokens.sign({ payload: command }, COMMAND_TOKEN_S)}` },
        },
      )
      .catch((cause: unknown) => {
        throw new Problem('document-server-failed', `command ${command.c}: ${reason(cause)}`, { cause })
      })
    const answer = Answer.safeParse(response.data)
    if (response.status !== 200 || !answer.success) {
      throw new Problem('document-server-failed', `command ${command.c} answered HTTP ${response.status}`)
    }
    return answer.data
  }

  async forcesave(key: string, userdata?: string): Promise<CommandError> {
    return errorOf(
      await this.#command({ c: 'forcesave', key, ...(userdata === undefined ? {} : { userdata }) }),
    )
  }

  async info(key: string): Promise<{ isKnown: boolean; users: string[] | undefined }> {
    const answer = await this.#command({ c: 'info', key })
    const error = errorOf(answer)
    // 1 is "no row for this key"; anything else is no answer to the question.
    if (error === 1) return { isKnown: false, users: [] }
    if (error !== 0) throw refused('info', error)
    const users = z.array(z.coerce.string()).safeParse(answer.users)
    return { isKnown: true, users: users.success ? users.data : undefined }
  }

  async forgottenKeys(): Promise<string[]> {
    const answer = await this.#command({ c: 'getForgottenList' })
    if (errorOf(answer) !== 0) throw refused('getForgottenList', errorOf(answer))
    return z.array(z.string()).catch([]).parse(answer.keys)
  }

  async forgottenUrl(key: string): Promise<string | undefined> {
    const answer = await this.#command({ c: 'getForgotten', key })
    const error = errorOf(answer)
    if (error === 1) return undefined
    if (error !== 0) throw refused('getForgotten', error)
    return z.string().optional().parse(answer.url)
  }

  async deleteForgotten(key: string): Promise<CommandError> {
    return errorOf(await this.#command({ c: 'deleteForgotten', key }))
  }

  async rename(key: string, title: string): Promise<CommandError> {
    return errorOf(await this.#command({ c: 'meta', key, meta: { title } }))
  }

  async drop(key: string, users: string[]): Promise<CommandError> {
    return errorOf(await this.#command({ c: 'drop', key, users }))
  }

  convert(order: ConversionOrder): Promise<{ url: string; extension: string }> {
    const { tokens, header, commandTimeoutS, addresses } = this.#options
    return awaitConversion(async (parameters, signal) => {
      const response = await this.#http
        .post(
          `${addresses.internalUrl}/converter?shardkey=${encodeURIComponent(parameters.key)}`,
          { ...parameters, token: tokens.sign(parameters, COMMAND_TOKEN_S) },
          {
            signal: AbortSignal.any([signal, AbortSignal.timeout(commandTimeoutS * 1000)]),
            maxContentLength: MAX_ANSWER_BYTES,
            headers: {
              Accept: 'application/json',
              [header]: `Bearer ${tokens.sign({ payload: parameters }, COMMAND_TOKEN_S)}`,
            },
          },
        )
        .catch((cause: unknown) => {
          throw new Problem('document-server-failed', `converter: ${reason(cause)}`, { cause })
        })
      if (response.status === 200) return response.data
      throw new Problem('document-server-failed', `converter answered HTTP ${response.status}`)
    }, order)
  }

  async version(): Promise<string> {
    const answer = await this.#command({ c: 'version' })
    if (errorOf(answer) !== 0) throw refused('version', errorOf(answer))
    return z.string().parse(answer.version)
  }

  async isHealthy(): Promise<boolean> {
    const { addresses, commandTimeoutS } = this.#options
    try {
      const { status, data } = await this.#http.get(`${addresses.internalUrl}/healthcheck`, {
        signal: AbortSignal.timeout(commandTimeoutS * 1000),
        maxContentLength: 1024,
      })
      return status === 200 && data === true
    } catch {
      return false
    }
  }
}

function errorOf(answer: Record<string, unknown>): CommandError {
  const error = answer.error ?? 0
  if (typeof error === 'number' && error >= 0 && error <= 7) return error as CommandError
  throw new Problem('document-server-failed', `Document Server answered the unknown error ${String(error)}`)
}

function refused(command: string, error: number): Problem {
  const why =
    error === 6
      ? 'the token is refused: the JWT secret or header differs'
      : error === 7
        ? 'the token has expired: the clocks differ'
        : `error ${error}`
  return new Problem('document-server-failed', `command ${command}: ${why}`)
}

/** Worth another try: what passes by itself. Redirects and 4xx would only repeat. */
function refusalOf(response: AxiosResponse): 'download-refused' | 'download-failed' | undefined {
  if (response.status === 200) {
    const encoding = headerOf(response, 'content-encoding') ?? 'identity'
    return encoding === 'identity' ? undefined : 'download-refused'
  }
  return response.status >= 500 || response.status === 429 ? 'download-failed' : 'download-refused'
}

function announcedSize(response: AxiosResponse): number | undefined {
  const length = headerOf(response, 'content-length')
  return length === undefined ? undefined : Number(length)
}

function headerOf(response: AxiosResponse, name: string): string | undefined {
  const value: unknown = response.headers[name]
  return typeof value === 'string' ? value : undefined
}

/** Without addresses: they may carry tokens. */
function reason(error: unknown): string {
  if (isAxiosError(error)) return error.code ?? 'no answer'
  return error instanceof Error ? error.name : 'unknown fault'
}
