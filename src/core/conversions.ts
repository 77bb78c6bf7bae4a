import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { LRUCache } from 'lru-cache'
import { isProblem, Problem } from '../errors.ts'
import type { VersionRow } from '../metadata/schema.ts'
import { checkContent } from './content-type.ts'
import type { ConversionPairs, Converted, KnownConversions } from './converter-port.ts'
import type { Deps } from './deps.ts'
import { FORMATS, isPlainText } from './formats.ts'
import type { BlobRef, DocServer, RandomAccess } from './ports.ts'

/** For one engine: a file that no engine can read is refused within this and the seconds around it. */
const TIME_LIMIT_S = 28
const MOST_REMEMBERED = 1000
/** Half of what a blob that no row mentions is spared by the sweep. */
const REMEMBERED_MS = 12 * 3600_000

const DOCUMENT_SERVER_PAIRS: ConversionPairs = new Map(
  FORMATS.filter(({ conversions }) => conversions.size > 0).map(({ extension, conversions }) => [
    extension,
    conversions,
  ]),
)

export function createKnownConversions(): KnownConversions {
  return new LRUCache({ max: MOST_REMEMBERED, ttl: REMEMBERED_MS })
}

export type ConversionDeps = Pick<
  Deps,
  | 'blobs'
  | 'config'
  | 'docServer'
  | 'isDocServerHealthy'
  | 'keyPrefix'
  | 'log'
  | 'converter'
  | 'knownConversions'
>

export type Conversion = {
  version: Pick<VersionRow, 'id' | 'sha256' | 'size' | 'file_type'>
  /** Of the document, without extension. */
  title: string
  /** In any case, with or without a dot in front. */
  target: string
  /** Where Document Server may fetch the content of this version. */
  fileAddress: (versionId: string) => string
}

/**
 * The content of a version in another format: by Document Server, else by LibreOffice. A Document Server
 * that is at fault itself gives way to LibreOffice; a file that it finds bad is not tried again.
 *
 * @throws Problem `conversion-impossible` (nothing makes this pair), `conversion-unavailable` (what would is
 *   not installed), `conversion-failed` (the file is at fault), `conversion-busy`, `document-server-failed`,
 *   `storage-unavailable`, `blob-missing`
 */
export async function convert(deps: ConversionDeps, conversion: Conversion): Promise<Converted> {
  const { version } = conversion
  const from = version.file_type.toLowerCase()
  const to = conversion.target.toLowerCase().replace(/^\./, '')
  if (from === to) return { sha256: version.sha256, size: version.size, extension: version.file_type }
  const engines = enginesFor(deps, conversion, from, to)

  const name = `${version.sha256} ${from} ${to}`
  const known = deps.knownConversions.get(name)
  if (known !== undefined) {
    const converted = await known
    if (await isThere(deps, converted)) return converted
  }
  const running = firstOf(deps, engines)
  deps.knownConversions.set(name, running)
  running.catch(() => {
    if (deps.knownConversions.peek(name) === running) deps.knownConversions.delete(name)
  })
  return running
}

/** What each engine converts, and whether it is there. */
export function conversionMatrix({ docServer, converter }: Pick<ConversionDeps, 'docServer' | 'converter'>) {
  return {
    documentServer: { isAvailable: docServer !== undefined, pairs: listed(DOCUMENT_SERVER_PAIRS) },
    libreOffice: { isAvailable: converter.isInstalled, pairs: listed(converter.pairs) },
  }
}

/** What a file can be made into by what is there, in the order of the alphabet. */
export function targetsOf(
  { docServer, converter }: Pick<ConversionDeps, 'docServer' | 'converter'>,
  extension: string,
): string[] {
  const byServer = docServer === undefined ? undefined : DOCUMENT_SERVER_PAIRS.get(extension)
  const byOffice = converter.isInstalled ? converter.pairs.get(extension) : undefined
  return [...new Set([...(byServer ?? []), ...(byOffice ?? [])])].sort()
}

type Engine = () => Promise<Converted>

function enginesFor(deps: ConversionDeps, conversion: Conversion, from: string, to: string): Engine[] {
  const { docServer, converter } = deps
  const byServer = DOCUMENT_SERVER_PAIRS.get(from)?.has(to) === true
  const byOffice = converter.pairs.get(from)?.has(to) === true
  if (!byServer && !byOffice) {
    const targets = [...(DOCUMENT_SERVER_PAIRS.get(from) ?? []), ...(converter.pairs.get(from) ?? [])]
    const possible = targets.length > 0 ? [...new Set(targets)].sort().join(', ') : 'nothing'
    throw new Problem('conversion-impossible', `${from} becomes ${possible}, not ${to}`)
  }
  const engines: Engine[] = []
  if (byServer && docServer) engines.push(() => convertByServer(deps, docServer, { ...conversion, from, to }))
  if (byOffice && converter.isInstalled) engines.push(() => convertByOffice(deps, conversion, from, to))
  if (engines.length > 0) return engines
  const missing = [
    ...(byServer ? ['a Document Server (ONLYOFFICE_URL)'] : []),
    ...(byOffice ? ['LibreOffice (the packages libreoffice-writer, -calc and -impress)'] : []),
  ]
  throw new Problem('conversion-unavailable', `${from} to ${to} needs ${missing.join(' or ')}`)
}

async function firstOf(deps: ConversionDeps, engines: Engine[]): Promise<Converted> {
  const [first, second] = engines
  if (first === undefined) throw new Problem('conversion-unavailable')
  try {
    return await first()
  } catch (error) {
    const isOwnFault = isProblem(
      error,
      'document-server-failed',
      'download-failed',
      'download-refused',
      'conversion-impossible',
    )
    if (second === undefined || !isOwnFault) throw error
    deps.log.warn({ err: error }, 'Document Server did not convert, LibreOffice does')
    return second()
  }
}

async function convertByServer(
  { blobs, config, isDocServerHealthy, keyPrefix }: ConversionDeps,
  docServer: DocServer,
  { version, title, fileAddress, from, to }: Conversion & { from: string; to: string },
): Promise<Converted> {
  if (!(await isDocServerHealthy())) {
    throw new Problem('document-server-failed', 'Document Server is not healthy')
  }
  const { url, extension } = await docServer.convert({
    key: conversionKey(keyPrefix, `${version.sha256} ${from} ${to}`),
    url: fileAddress(version.id),
    from,
    to,
    title: `${title}.${to}`,
    timeLimitS: TIME_LIMIT_S,
  })
  const { bytes } = await docServer.download(url, { maxBytes: config.MAX_FILE_BYTES })
  return keep({ blobs, config }, bytes, extension)
}

async function convertByOffice(
  { blobs, config, converter }: ConversionDeps,
  { version }: Conversion,
  from: string,
  to: string,
): Promise<Converted> {
  await checkSource({ blobs }, version.sha256, from)
  return converter.convert({ from, to, open: () => blobs.get(version.sha256) }, (bytes) =>
    keep({ blobs, config }, bytes, to),
  )
}

/** LibreOffice goes by the content, and makes pages of nonsense of what it takes for text. */
export async function checkSource(
  { blobs }: Pick<Deps, 'blobs'>,
  sha256: string,
  from: string,
): Promise<void> {
  await using bytes = await blobs.open(sha256)
  await failingConversion('the file cannot be read', () => checkContent(bytes, from, 'family'))
}

/** Stores a converted file that is what its extension says. @throws Problem `conversion-failed`, `storage-unavailable` */
export async function keep(
  { blobs, config }: Pick<Deps, 'blobs' | 'config'>,
  bytes: Readable,
  extension: string,
): Promise<Converted> {
  try {
    const blob = await blobs.put(bytes, {
      maxBytes: config.MAX_FILE_BYTES,
      inspect: (result) => checkResult(result, extension),
    })
    return { ...blob, extension }
  } catch (cause) {
    if (!isProblem(cause, 'upload-too-large')) throw cause
    throw new Problem('conversion-failed', 'the converted file is larger than the limit', { cause })
  }
}

/** An engine may break off and leave half a file. */
async function checkResult(bytes: RandomAccess, extension: string): Promise<void> {
  if (isPlainText(extension)) return
  if (bytes.size === 0) throw new Problem('conversion-failed', 'the converted file is empty')
  await failingConversion(`the converted file is no ${extension}`, () =>
    checkContent(bytes, extension, 'family'),
  )
}

async function failingConversion(what: string, check: () => Promise<void>): Promise<void> {
  try {
    await check()
  } catch (cause) {
    if (!isProblem(cause, 'content-mismatch', 'extension-unsupported')) throw cause
    throw new Problem('conversion-failed', `${what}: ${cause.message}`, { cause })
  }
}

/** In the alphabet of document keys, and never one of an editing session: those are shorter. */
export function conversionKey(prefix: string, name: string): string {
  return `${prefix}${createHash('sha256').update(name).digest('base64url')}`
}

export async function isThere({ blobs }: Pick<Deps, 'blobs'>, { sha256 }: BlobRef): Promise<boolean> {
  try {
    await using _blob = await blobs.open(sha256)
    return true
  } catch (error) {
    if (isProblem(error, 'blob-missing')) return false
    throw error
  }
}

function listed(pairs: ConversionPairs): Record<string, string[]> {
  return Object.fromEntries([...pairs].map(([from, targets]) => [from, [...targets]]))
}
