import { randomUUID } from 'node:crypto'
import { fetchAddress } from '../docserver/addresses.ts'
import type { ProbeFacts, ProbeSignature } from '../docserver/probe.ts'
import { withoutQuery } from '../log.ts'
import { forwardedFix } from './between.ts'
import { type Check, type CheckId, failed, passed, skipped, unlooked, warned } from './check.ts'
import { type Conversion, convertText, NOT_DOWNLOADED, TOO_LARGE } from './conversion.ts'
import { probeAddress, type Run, settingsOf } from './parts.ts'
import { inWords } from './requests.ts'
import { detour, WAY_CHECKS, whyNotFetched, wrongService } from './why-not-fetched.ts'

/** Beside whether we are reached. */
export const FETCH_CHECKS = [
  'document-server-conversion',
  'document-server-files',
  'outbox-tokens',
  'size-limit',
] as const satisfies CheckId[]

export type WayBack = {
  checks: Check[]
  /** What keeps Document Server from us. */
  cause: CheckId | undefined
}

/**
 * Has Document Server fetch a file of ours and fetches what it makes of it.
 *
 * @param unsure what makes its signature meaningless
 */
export async function wayBackChecks(
  run: Run,
  {
    unsure,
    facts,
  }: { unsure: CheckId | undefined; facts: (nonce: string) => Promise<ProbeFacts | undefined> },
): Promise<WayBack> {
  const nonce = randomUUID()
  const from = run.addresses.internalUrl
  const conversion = await convertText(run, probeAddress(run, from, { nonce, part: 'file' }))
  const { fetched } = (await facts(nonce)) ?? {}
  const cause = await causeOf(run, conversion, fetched)
  if (cause !== undefined) return { checks: alone(cause), cause: cause.id }
  if (!('url' in conversion)) return { checks: alone(unconverted(conversion)), cause: undefined }
  const [files, size, around] = await Promise.all([
    filesCheck(run, conversion.url),
    sizeCheck(run),
    detour(run),
  ])
  // A redirect to another host loses the token, too.
  const unsureSignature = unsure ?? around?.id
  const ways = WAY_CHECKS.map((id) => passed(id, `Document Server has fetched a file from ${from}`))
  return {
    checks: [
      ...ways.map((check) => (check.id === around?.id ? around : check)),
      passed('document-server-conversion', 'a text file was converted to docx'),
      files,
      unsureSignature === undefined
        ? outboxCheck(fetched, run.config.ONLYOFFICE_JWT_HEADER)
        : unlooked('outbox-tokens', `of ${unsureSignature}`),
      size,
    ],
    cause: around?.id,
  }
}

/** The rest is a consequence. */
function alone(check: Check): Check[] {
  const others = [...WAY_CHECKS, ...FETCH_CHECKS].filter((id) => id !== check.id)
  return [check, ...skipped(others, `of ${check.id}`)]
}

/** What keeps Document Server from fetching; undefined: it has fetched, or refused the order. */
async function causeOf(
  run: Run,
  conversion: Conversion,
  fetched: ProbeSignature | undefined,
): Promise<Check | undefined> {
  if ('error' in conversion && conversion.error === NOT_DOWNLOADED) return whyNotFetched(run)
  if (fetched !== undefined) return undefined
  if ('refusal' in conversion) return conversion.isLate ? whyNotFetched(run, { isLate: true }) : undefined
  return wrongService(run)
}

function unconverted(conversion: Exclude<Conversion, { url: string }>): Check {
  const [seen, fix] =
    'error' in conversion
      ? [`error ${conversion.error}`, CONVERSION_FIX]
      : [conversion.refusal, CONVERTER_WAY_FIX]
  return failed('document-server-conversion', `a text file could not be converted: ${seen}`, fix)
}

const CONVERTER_WAY_FIX = 'Let whatever stands before Document Server pass POST /converter to it.'

const CONVERSION_FIX =
  'Look into the log of the converter of Document Server (converter/out.log) for the reason.'

/** As the bytes of a save are fetched. */
async function filesCheck(run: Run, url: string): Promise<Check> {
  const id = 'document-server-files'
  const { docServerUrl = '', docServerInternalUrl } = run.addresses
  const { DOWNLOAD_ORIGINS: otherOrigins } = run.config
  let address: string
  try {
    address = fetchAddress({ publicUrl: docServerUrl, internalUrl: docServerInternalUrl, otherOrigins }, url)
  } catch {
    const { origin, host } = new URL(url, docServerInternalUrl)
    const seen = `Document Server hands out its files at ${origin}, which is none of its addresses`
    const isOtherScheme = [docServerUrl, docServerInternalUrl].some((known) => new URL(known).host === host)
    return failed(
      id,
      seen,
      isOtherScheme
        ? forwardedFix(settingsOf(run.config).docServer)
        : `Add ${origin} to DOWNLOAD_ORIGINS if that is Document Server, else let its proxy pass the Host it was asked by.`,
    )
  }
  const { answer, fault } = await run.send(address, { trust: 'ours', limitMs: run.limits.requestMs })
  const place = withoutQuery(address)
  if (answer?.status === 200) return passed(id, `${new URL(place).origin} hands out its files`)
  const setting = settingsOf(run.config).docServer
  const isBelow = place.startsWith(`${docServerInternalUrl}/`)
  return failed(
    id,
    `${place}: ${fault === undefined ? `HTTP ${answer.status}` : inWords(fault)}`,
    isBelow
      ? `Let Document Server's files (/cache/files) be fetched at ${setting}, where its saves lie.`
      : forwardedFix(setting),
  )
}

function outboxCheck(fetched: ProbeSignature | undefined, header: string): Check {
  const id = 'outbox-tokens'
  switch (fetched) {
    case undefined:
      return unlooked(id, 'another node, which is not heard, was asked for the file')
    case 'good':
      return passed(id, 'Document Server signs what it sends')
    case 'bad':
      return failed(
        id,
        'Document Server signs what it sends with another secret',
        "Set services.CoAuthoring.secret.outbox.string in Document Server's local.json to the value of ONLYOFFICE_JWT_SECRET.",
      )
    default:
      return failed(
        id,
        `no token came in the header ${header} when Document Server fetched a file: saves that it does not sign are refused`,
        'Switch on JWT in Document Server (services.CoAuthoring.token.enable.request.outbox in its local.json), with ' +
          `outbox.header "${header}" as in ONLYOFFICE_JWT_HEADER, and let no proxy before this service remove that header.`,
      )
  }
}

/** Announces the largest file that we keep: Document Server refuses by the announced length alone. */
async function sizeCheck(run: Run): Promise<Check> {
  const id = 'size-limit'
  const { MAX_FILE_BYTES: bytes } = run.config
  if (!run.looksOnce) return unlooked(id, 'it writes an error into the log of Document Server')
  const url = probeAddress(run, run.addresses.internalUrl, { nonce: randomUUID(), part: 'size', bytes })
  const result = await convertText(run, url)
  if ('error' in result && result.error === TOO_LARGE) {
    return warned(
      id,
      `Document Server refuses a file of ${bytes} bytes, which is MAX_FILE_BYTES: such files cannot be opened`,
      `Raise FileConverter.converter.maxDownloadBytes in Document Server's local.json to ${bytes}, or lower ` +
        'MAX_FILE_BYTES to it (104857600 unless it was changed).',
    )
  }
  return passed(id, `Document Server begins to read a file of ${bytes} bytes (MAX_FILE_BYTES)`)
}
