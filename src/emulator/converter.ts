import path from 'node:path'
import type { Request, Response } from 'express'
import { readText } from './content.ts'
import type { Documents } from './documents.ts'
import type { CacheFile } from './files.ts'
import { addressOf, type Settings, signedParameters } from './inbox.ts'
import { convertWithOffice } from './office.ts'
import { type Outgoing, TooLargeError } from './outgoing.ts'
import { OUTPUT_CODES } from './output-codes.ts'
import type { SavesParts } from './saves.ts'
import { isUsableKey } from './tokens.ts'

// Source: ONLYOFFICE Docs API, Conversion API, error codes.
const UNKNOWN = -1
const CONVERSION_FAILED = -3
const NOT_DOWNLOADABLE = -4
const PASSWORD_NEEDED = -5
const BAD_PARAMETERS = -7
const BAD_TOKEN = -8
const TYPE_UNKNOWN = -9
const TOO_LARGE = -10

const MAX_REMEMBERED = 1000
const ERROR_KEPT_MS = 1000
const COMPOUND_FILE = Buffer.from('d0cf11e0a1b11ae1', 'hex')
const PACKED_TYPES = new Set([
  'docx',
  'docm',
  'dotx',
  'dotm',
  'xlsx',
  'xlsm',
  'xltx',
  'pptx',
  'pptm',
  'ppsx',
  'potx',
])

type Converted = { file: CacheFile; fileType: string; filename: string } | { error: number }
type Conversion = { result: Converted | undefined; done: Promise<Converted>; forgetAt: number }
type Answer =
  | { error: number }
  | { fileUrl: string; fileType: string; percent: number; endConvert: true }
  | { percent: number; endConvert: false }

type Order = { url: string; fileType: string; output: string; key: string; title: string | undefined }

export type ConverterParts = SavesParts & {
  settings: Settings
  rows: Documents
  outgoing: Outgoing
  office: string | undefined
}

/** The conversion service: always HTTP 200, XML or JSON. */
export class Converter {
  readonly #parts: ConverterParts
  // By key and format only, as in Document Server: another url under the same key gets the old file.
  readonly #conversions = new Map<string, Conversion>()

  constructor(parts: ConverterParts) {
    this.#parts = parts
  }

  /** @param isAshx /ConvertService.ashx speaks XML unless asked for JSON, /converter the other way round */
  async answer(request: Request, response: Response, isAshx: boolean): Promise<void> {
    const answer = await this.#run(request)
    const accepted = request.get('accept')?.split(/[,;]/)[0]?.trim()
    const isJson = accepted === 'application/json' || (accepted !== 'application/xml' && !isAshx)
    response.setHeader('Content-Type', `${isJson ? 'application/json' : 'text/xml'}; charset=UTF-8`)
    response.status(200).end(isJson ? JSON.stringify(answer) : toXml(answer))
  }

  async #run(request: Request): Promise<Answer> {
    const { settings, clock, files, rows } = this.#parts
    const { payload } = signedParameters(request, settings, clock())
    if (!payload) return { error: BAD_TOKEN }
    const order = readOrder(payload)
    if ('error' in order) return order
    const conversion = this.#start(order)
    if (payload.async === true && !conversion.result) return { percent: 0, endConvert: false }
    const converted = await conversion.done
    if ('error' in converted) return { error: converted.error }
    const { file, fileType, filename } = converted
    const fileUrl = files.url(file, {
      base: addressOf(request, settings),
      shardkey: rows.lastOpenedKey || order.key,
      filename,
    })
    return { fileUrl, fileType, percent: 100, endConvert: true }
  }

  #start(order: Order): Conversion {
    const { work, clock } = this.#parts
    const id = `${order.key} ${order.output}`
    const known = this.#conversions.get(id)
    if (known && known.forgetAt > clock().getTime()) return known
    const done = work.run(() => this.#convert(order)).catch(() => ({ error: UNKNOWN }))
    const conversion: Conversion = { result: undefined, done, forgetAt: Number.POSITIVE_INFINITY }
    this.#conversions.set(id, conversion)
    void done.then((result) => {
      conversion.result = result
      // An asynchronous client has to learn of the error; after that the same request starts anew.
      if ('error' in result) conversion.forgetAt = clock().getTime() + ERROR_KEPT_MS
    })
    for (const old of this.#conversions.keys()) {
      if (this.#conversions.size <= MAX_REMEMBERED) break
      this.#conversions.delete(old)
    }
    return conversion
  }

  async #convert(order: Order): Promise<Converted> {
    const { outgoing, files, faults } = this.#parts
    const source = await outgoing.download(order.url).catch((error: unknown) => ({
      error: error instanceof TooLargeError ? TOO_LARGE : NOT_DOWNLOADABLE,
    }))
    if ('error' in source) return source
    const isEncrypted = PACKED_TYPES.has(order.fileType) && source.subarray(0, 8).equals(COMPOUND_FILE)
    if (isEncrypted) return { error: PASSWORD_NEEDED }
    if (faults.takeConverterFailure(order.key)) return { error: CONVERSION_FAILED }
    const fileType = actualOutput(order)
    const bytes = await this.#toType(source, order.fileType, fileType)
    if (!bytes) return { error: CONVERSION_FAILED }
    const folder = `data/conv_${order.key}_${OUTPUT_CODES[fileType] ?? 0}`
    const name = order.title === undefined ? 'output' : path.parse(path.basename(order.title)).name
    return {
      file: files.make(`${folder}/output.${fileType}`, bytes),
      fileType,
      filename: `${name}.${fileType}`,
    }
  }

  async #toType(source: Buffer, from: string, to: string): Promise<Buffer | undefined> {
    if (from === to) return source
    if (to === 'txt') {
      const text = readText(source, from)
      if (text) return Buffer.from(text.join('\n'), 'utf8')
    }
    const { office, work } = this.#parts
    return convertWithOffice(source, { from, to, program: office, signal: work.signal })
  }
}

function readOrder(payload: Record<string, unknown>): Order | { error: number } {
  const { url, key, outputtype, title, filetype } = payload
  const output = typeof outputtype === 'string' ? outputtype.toLowerCase().replace(/^\./, '') : ''
  if (!(output in OUTPUT_CODES) && output !== 'ooxml' && output !== 'odf') return { error: BAD_PARAMETERS }
  if (key !== undefined && !isUsableKey(key)) return { error: BAD_PARAMETERS }
  if (title !== undefined && typeof title !== 'string') return { error: BAD_PARAMETERS }
  if (typeof url !== 'string' || !URL.canParse(url)) return { error: CONVERSION_FAILED }
  const named = typeof filetype === 'string' ? filetype : path.extname(new URL(url).pathname).slice(1)
  const fileType = named.toLowerCase().replace(/^\./, '')
  if (!/^[a-z0-9]{1,10}$/.test(fileType)) return { error: TYPE_UNKNOWN }
  return { url, key: key ?? 'undefined', output, title, fileType }
}

/** `ooxml` and `odf` mean the format of the family that fits the source. */
function actualOutput({ output, fileType }: Order): string {
  if (output !== 'ooxml' && output !== 'odf') return output
  const code = OUTPUT_CODES[fileType] ?? 0
  const family = code >= 257 && code < 512 ? 2 : code >= 129 && code < 256 ? 1 : 0
  const choices = output === 'ooxml' ? ['docx', 'pptx', 'xlsx'] : ['odt', 'odp', 'ods']
  return choices[family] ?? 'docx'
}

function toXml(answer: Answer): string {
  const fields =
    'error' in answer
      ? `<Error>${answer.error}</Error>`
      : [
          ...('fileUrl' in answer
            ? [`<FileUrl>${escapeXml(answer.fileUrl)}</FileUrl>`, `<FileType>${answer.fileType}</FileType>`]
            : []),
          `<Percent>${answer.percent}</Percent>`,
          `<EndConvert>${answer.endConvert ? 'True' : 'False'}</EndConvert>`,
        ].join('')
  return `<?xml version="1.0" encoding="utf-8"?><FileResult>${fields}</FileResult>`
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
