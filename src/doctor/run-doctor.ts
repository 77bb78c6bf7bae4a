import { existsSync } from 'node:fs'
import { databasePath, isSqlite } from '../metadata/database.ts'
import { BROWSER_CHECKS, browserChecks, ownPageChecks } from './browser.ts'
import { type Check, type CheckId, failed, passed, skipped, sorted, warned, withoutRepeats } from './check.ts'
import { COMMAND_CHECKS, commandChecks } from './commands.ts'
import { databaseCheck, EMPTY_FIX } from './database.ts'
import { REACH_CHECKS, reachDocumentServer } from './document-server.ts'
import { type DoctorParts, LIMITS, type Run } from './parts.ts'
import { createSend } from './requests.ts'
import {
  askService,
  callbackCheck,
  dataFolderChecks,
  libreOfficeCheck,
  MADE_AT_START,
  nodeCheck,
  runningCheck,
} from './service.ts'
import { sharedChecks } from './shared.ts'
import { FETCH_CHECKS, wayBackChecks } from './way-back.ts'
import { WAY_CHECKS } from './why-not-fetched.ts'
import { within } from './within.ts'

/** `ok`: no check fails. */
export type Diagnosis = { ok: boolean; checks: Check[] }

const BACK_CHECKS = [...WAY_CHECKS, ...FETCH_CHECKS]

/**
 * Looks at every leg between browsers, Document Server and the service. What follows from a cause that
 * was found is not told as a failure of its own. Never throws.
 */
export async function runDoctor(parts: DoctorParts): Promise<Diagnosis> {
  const run: Run = {
    ...parts,
    limits: parts.limits ?? LIMITS,
    send: createSend(parts.config.ONLYOFFICE_CA_FILE),
  }
  const { checkMs } = run.limits
  const { database, config } = run
  const [{ facts, outcome }, folder, written, shared] = await Promise.all([
    askService(run),
    within(checkMs, ['data-folder', 'disk-room'], () => dataFolderChecks(run)),
    within(checkMs, ['database'], async () => [await databaseCheck(run)]),
    sharedChecks(run),
  ])
  const isRunning = facts !== undefined
  const disk = folder.find(({ result }) => result === 'fail')
  // Whoever may not read the secrets of the service is a stranger to it.
  const isStranger = disk?.id === 'data-folder' && outcome.answer?.status === 403
  const isOnDisk = isSqlite(config.DATABASE_URL)
  const isMissing = isOnDisk
    ? database === undefined && !existsSync(databasePath(config.DATABASE_URL))
    : written.some(({ fix }) => fix === EMPTY_FIX)
  const notWritten =
    isOnDisk && disk !== undefined ? `of ${disk.id}` : isMissing && !isRunning ? MADE_AT_START : undefined
  const service = [
    ...(isStranger ? skipped(['service-running'], `of ${disk.id}`) : [runningCheck(run, isRunning, outcome)]),
    ...folder,
    ...(notWritten === undefined ? written : skipped(['database'], notWritten)),
    ...shared,
    nodeCheck(process.version),
    libreOfficeCheck(run.isLibreOfficeInstalled),
  ]
  const legs = await legsChecks(run, isRunning)
  const isSigned = legs.some(({ id, result, because }) => {
    return id === 'outbox-tokens' && result === 'ok' && because === undefined
  })
  const unread = service.find(
    ({ id, result }) => result === 'fail' && (id === 'database' || (isOnDisk && id === disk?.id)),
  )
  const callbacks =
    facts === undefined || database === undefined || unread !== undefined
      ? skipped(['callbacks'], `of ${isRunning ? (unread?.id ?? 'database') : 'service-running'}`)
      : await within(checkMs, ['callbacks'], async () => [await callbackCheck(database, facts, { isSigned })])
  // Callbacks come without a token because of what was told already.
  const isTold = legs.some(({ leg, result }) => leg !== 'service' && result === 'fail')
  const checks = sorted([
    ...service,
    ...(isTold && callbacks.some(({ result }) => result !== 'ok')
      ? skipped(['callbacks'], 'of another failure')
      : callbacks),
    ...legs,
  ])
  return { ok: checks.every(({ result }) => result !== 'fail'), checks }
}

async function legsChecks(run: Run, isRunning: boolean): Promise<Check[]> {
  const { config, addresses } = run
  const { docServerUrl } = addresses
  const id = 'document-server-configured'
  if (docServerUrl === undefined || config.isEmulated) {
    const others = [
      ...BROWSER_CHECKS,
      'page-policy',
      ...REACH_CHECKS,
      ...COMMAND_CHECKS,
      ...BACK_CHECKS,
      'public-address',
    ] as const
    const evidence = config.isEmulated
      ? 'the built-in emulator stands in for Document Server'
      : 'none is configured'
    const fix = 'Set ONLYOFFICE_URL and ONLYOFFICE_JWT_SECRET to those of your Document Server.'
    const check = config.isEmulated ? warned(id, evidence, fix) : failed(id, evidence, fix)
    return [check, ...skipped(others, `of ${id}`)]
  }
  const reached = await reachDocumentServer(run)
  const [browser, rest] = await Promise.all([
    browserChecks(run, docServerUrl, reached.cause),
    behindChecks(run, docServerUrl, { isRunning, ...reached }),
  ])
  const configured = passed(id, `Document Server is at ${docServerUrl}`)
  return withoutRepeats([configured, ...reached.checks, ...browser, ...rest])
}

/** What can be known only of a Document Server that answers. */
async function behindChecks(
  run: Run,
  docServerUrl: string,
  reached: { isRunning: boolean; cause: CheckId | undefined; skewS: number | undefined },
): Promise<Check[]> {
  const commanded =
    reached.cause === undefined
      ? await commandChecks(run, reached.skewS)
      : { checks: skipped(COMMAND_CHECKS, `of ${reached.cause}`), cause: reached.cause, unsure: undefined }
  const stop = reached.isRunning ? commanded.cause : 'service-running'
  const back =
    stop === undefined
      ? await wayBackChecks(run, {
          unsure: commanded.unsure,
          facts: async (nonce) => (await askService(run, nonce)).facts,
        })
      : { checks: skipped(BACK_CHECKS, `of ${stop}`), cause: undefined }
  const pages = reached.isRunning
    ? await ownPageChecks(run, docServerUrl, back.cause)
    : skipped(['public-address', 'page-policy'], 'of service-running')
  return [...commanded.checks, ...back.checks, ...pages]
}
