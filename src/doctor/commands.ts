import { z } from 'zod'
import { type Check, type CheckId, failed, passed, skipped, unlooked, warned } from './check.ts'
import { licenseCheck } from './license.ts'
import type { Run } from './parts.ts'
import { inWords, jsonOf } from './requests.ts'
import { versionCheck } from './version.ts'

// Source: ONLYOFFICE Docs API, Command service, `error`.
const BAD_TOKEN = 6
const EXPIRED_TOKEN = 7

const SKEW_NOTED_S = 30
/** Beyond it Document Server takes a token for expired. Source: default.json, token.verifyOptions.clockTolerance. */
const SKEW_TOLERATED_S = 60
const TOKEN_S = 300

const CLOCK_FIX = 'Set the clocks of both machines by a time server (NTP): tokens are good for minutes only.'
const SECRET_FIX =
  'Set ONLYOFFICE_JWT_SECRET to the value of services.CoAuthoring.secret.inbox.string and outbox.string in ' +
  "Document Server's local.json (JWT_SECRET of its container)."

export type Commanded = {
  checks: Check[]
  /** What keeps our orders from being taken. */
  cause: CheckId | undefined
  /** What makes its tokens look bad to us. */
  unsure: CheckId | undefined
}

type CommandAnswer = { error: number; fields: Record<string, unknown> } | { refusal: string }

/** Where the token of a command stands; `undefined` fields: nowhere. */
type Signing = { inBody?: boolean; header?: string }

/** Whether Document Server takes our orders: tokens on, secret, header, clock; and what it says of itself. */
export async function commandChecks(run: Run, skewS: number | undefined): Promise<Commanded> {
  const header = run.config.ONLYOFFICE_JWT_HEADER
  const [unsigned, inBody, inHeader] = await Promise.all([
    command(run, 'version', {}),
    command(run, 'version', { inBody: true }),
    command(run, 'version', { header }),
  ])
  const isExpired = 'error' in inBody && inBody.error === EXPIRED_TOKEN
  const clock = clockCheck(skewS, isExpired)
  const jwt = jwtCheck(unsigned)
  const secret = isExpired ? undefined : secretCheck(inBody)
  const told = [clock, jwt, ...(secret !== undefined && jwt.result === 'ok' ? [secret] : [])]
  const cause = isExpired ? clock.id : told.find(({ id, result }) => id !== clock.id && result === 'fail')?.id
  if (cause !== undefined) {
    const left = LATER.filter((id) => !told.some((check) => check.id === id))
    return { checks: [...told, ...skipped(left, `of ${cause}`)], cause, unsure: cause }
  }
  const [headerFound, license] = await Promise.all([
    headerCheck(run, inHeader),
    command(run, 'license', { inBody: true, header }),
  ])
  const checks = [
    ...told,
    headerFound,
    versionCheck('fields' in inBody ? inBody.fields.version : undefined),
    licenseCheck('fields' in license && license.error === 0 ? license.fields : undefined, run.clock()),
  ]
  const unsure = [headerFound, clock].find(({ result }) => result !== 'ok')?.id
  return { checks, cause: undefined, unsure }
}

const LATER = [
  'document-server-jwt',
  'document-server-secret',
  'document-server-header',
  'document-server-version',
  'document-server-license',
] as const satisfies CheckId[]

/** For when Document Server is not reached. */
export const COMMAND_CHECKS = [...LATER, 'document-server-clock'] as const satisfies CheckId[]

async function command(run: Run, c: string, { inBody = false, header }: Signing): Promise<CommandAnswer> {
  const { addresses, send, limits, docServerTokens } = run
  const order = { c }
  const body = inBody ? { ...order, token: docServerTokens.sign(order, TOKEN_S) } : order
  const headers =
    header === undefined ? {} : { [header]: `Bearer ${docServerTokens.sign({ payload: order }, TOKEN_S)}` }
  const { answer, fault } = await send(`${addresses.docServerInternalUrl}/coauthoring/CommandService.ashx`, {
    trust: 'ours',
    limitMs: limits.requestMs,
    body,
    headers,
  })
  if (fault !== undefined) return { refusal: inWords(fault) }
  const fields = jsonOf(answer)
  const error = z.int().safeParse(fields?.error)
  if (answer.status !== 200 || fields === undefined || !error.success) {
    return { refusal: `it answered HTTP ${answer.status} without a result` }
  }
  return { error: error.data, fields }
}

function clockCheck(skewS: number | undefined, isExpired: boolean): Check {
  const id = 'document-server-clock'
  const seen =
    skewS === undefined
      ? 'Document Server does not tell its time'
      : `the clock of Document Server is ${describeSkew(skewS)}`
  if (isExpired) return failed(id, `a fresh token counts as expired (error 7); ${seen}`, CLOCK_FIX)
  if (skewS === undefined || Math.abs(skewS) <= SKEW_NOTED_S) return passed(id, seen)
  return Math.abs(skewS) > SKEW_TOLERATED_S ? failed(id, seen, CLOCK_FIX) : warned(id, seen, CLOCK_FIX)
}

function describeSkew(skewS: number): string {
  // It tells whole seconds.
  const seconds = Math.round(Math.abs(skewS))
  if (seconds <= 2) return 'the same as ours'
  return `${seconds} s ${skewS > 0 ? 'ahead of' : 'behind'} ours`
}

function jwtCheck(unsigned: CommandAnswer): Check {
  const id = 'document-server-jwt'
  if ('error' in unsigned && unsigned.error === 0) {
    const fix =
      'Switch on JWT in Document Server: services.CoAuthoring.token.enable.request.inbox, request.outbox and browser ' +
      'in its local.json (JWT_ENABLED=true of its container), with the secret of ONLYOFFICE_JWT_SECRET.'
    return failed(id, 'a command without a token was obeyed', fix)
  }
  if ('refusal' in unsigned) return unlooked(id, `${unsigned.refusal} (a command without a token)`)
  return passed(id, 'a command without a token is refused')
}

function secretCheck(signed: CommandAnswer): Check {
  const id = 'document-server-secret'
  if ('refusal' in signed) {
    const fix = 'Let whatever stands before Document Server pass POST /coauthoring/CommandService.ashx to it.'
    return failed(id, `the command "version": ${signed.refusal}`, fix)
  }
  if (signed.error === 0) return passed(id, 'a command signed with ONLYOFFICE_JWT_SECRET is obeyed')
  const evidence = `the command "version" signed with ONLYOFFICE_JWT_SECRET was answered with error ${signed.error}`
  return failed(
    id,
    evidence,
    signed.error === BAD_TOKEN ? SECRET_FIX : 'Look into the log of Document Server for the reason.',
  )
}

async function headerCheck(run: Run, inHeader: CommandAnswer): Promise<Check> {
  const id = 'document-server-header'
  const { ONLYOFFICE_JWT_HEADER: header } = run.config
  if ('error' in inHeader && inHeader.error === 0) {
    return passed(id, `a token in the header ${header} is read`)
  }
  const usual = header.toLowerCase() === 'authorization' ? undefined : 'Authorization'
  const other = usual === undefined ? undefined : await command(run, 'version', { header: usual })
  const isUsual = other !== undefined && 'error' in other && other.error === 0
  return warned(
    id,
    `a token in the header ${header} is not read${isUsual ? ', one in Authorization is' : ', one in the body is'}`,
    'Set ONLYOFFICE_JWT_HEADER to the value of services.CoAuthoring.token.inbox.header and outbox.header in Document ' +
      'Server\'s local.json (JWT_HEADER of its container; prefix "Bearer "), and let no proxy remove that header.',
  )
}
