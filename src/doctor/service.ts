import { randomUUID } from 'node:crypto'
import { rm, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { ProbeFacts } from '../docserver/probe.ts'
import type { Database } from '../metadata/schema.ts'
import { type Check, failed, passed, skipped, unlooked, warned } from './check.ts'
import { probeAddress, type Run } from './parts.ts'
import { inWords, jsonOf, type Outcome } from './requests.ts'

/** As much as a write needs to meet a full disk. */
const WRITTEN_BYTES = 256 * 1024
const LEAST_NODE = [22, 20] as const

const Facts = z.object({
  fetched: z.enum(['good', 'bad', 'unsigned']).optional(),
  unsignedCallbacks: z.number(),
  lastUnsignedAt: z.string().optional(),
})

/** Asks the running service what no other process can see. */
export async function askService(
  run: Run,
  nonce: string = randomUUID(),
): Promise<{ facts: ProbeFacts | undefined; outcome: Outcome }> {
  const url = probeAddress(run, run.addresses.localUrl, { nonce, part: 'facts' })
  const outcome = await run.send(url, { trust: 'system', limitMs: run.limits.requestMs })
  const parsed = Facts.safeParse(outcome.answer && jsonOf(outcome.answer))
  if (!parsed.success) return { facts: undefined, outcome }
  const { fetched, unsignedCallbacks, lastUnsignedAt } = parsed.data
  return { facts: { fetched, unsignedCallbacks, lastUnsignedAt }, outcome }
}

export function runningCheck({ addresses }: Run, isRunning: boolean, { answer, fault }: Outcome): Check {
  const id = 'service-running'
  if (isRunning) return passed(id, `the service answers at ${addresses.localUrl}`)
  const seen = fault === undefined ? `something else answers (HTTP ${answer.status})` : inWords(fault)
  return failed(
    id,
    `${addresses.localUrl}: ${seen}`,
    'Start the service with the same settings (HOST, PORT, DATA_DIR, ROOT_SECRET) and run the doctor again.',
  )
}

/** A full disk is one finding, however it shows. */
export async function dataFolderChecks({
  config,
  writeFile: write = writeFile,
}: Pick<Run, 'config' | 'writeFile'>): Promise<Check[]> {
  const { DATA_DIR, ALERT_DISK_FREE_BYTES } = config
  const path = join(DATA_DIR, `.doctor-${randomUUID()}`)
  let fault: string | undefined
  try {
    await write(path, Buffer.alloc(WRITTEN_BYTES), { flush: true, mode: 0o600 })
  } catch (error) {
    fault = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
  } finally {
    await rm(path, { force: true }).catch(() => {})
  }
  const fix = `Free room on the disk of DATA_DIR (${DATA_DIR}), or set DATA_DIR to a larger one.`
  if (fault === 'ENOSPC' || fault === 'EDQUOT') {
    return [
      unlooked('data-folder', 'of disk-room'),
      failed('disk-room', `${DATA_DIR}: no room is left (${fault})`, fix),
    ]
  }
  if (fault === 'ENOENT') return skipped(['data-folder', 'disk-room'], MADE_AT_START)
  if (fault !== undefined) {
    const evidence = `${DATA_DIR} cannot be written (${fault})`
    const rights = `Run the doctor as the user of the service, and give that user the right to write into DATA_DIR (${DATA_DIR}).`
    return [failed('data-folder', evidence, rights), unlooked('disk-room', 'of data-folder')]
  }
  const { bavail, bsize } = await statfs(DATA_DIR)
  const room = `${bavail * bsize} bytes are free at ${DATA_DIR}`
  return [
    passed('data-folder', `${DATA_DIR} can be written`),
    bavail * bsize < ALERT_DISK_FREE_BYTES
      ? warned('disk-room', `${room}, fewer than ALERT_DISK_FREE_BYTES (${ALERT_DISK_FREE_BYTES})`, fix)
      : passed('disk-room', room),
  ]
}

export const MADE_AT_START = 'it is made when the service starts'

export function nodeCheck(version: string): Check {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number)
  const isGood = major > LEAST_NODE[0] || (major === LEAST_NODE[0] && minor >= LEAST_NODE[1])
  return isGood
    ? passed('node-version', `Node ${version}`)
    : failed('node-version', `Node ${version}`, `Install Node ${LEAST_NODE.join('.')} or newer.`)
}

export function libreOfficeCheck(isInstalled: boolean): Check {
  return isInstalled
    ? passed('libreoffice', 'LibreOffice is installed')
    : warned(
        'libreoffice',
        'LibreOffice is not on PATH: without Document Server nothing is converted',
        'Install LibreOffice (Debian: libreoffice-writer-nogui libreoffice-calc-nogui libreoffice-impress-nogui) and put it on PATH.',
      )
}

/**
 * Saves arrive as callbacks: when the last came, and whether some came without a token.
 *
 * @param isSigned Document Server was just seen to sign what it sends
 */
export async function callbackCheck(
  database: Database,
  facts: ProbeFacts,
  { isSigned }: { isSigned: boolean },
): Promise<Check> {
  const id = 'callbacks'
  const { last } = await database
    .selectFrom('sessions')
    .select((eb) => eb.fn.max('last_callback_at').as('last'))
    .executeTakeFirstOrThrow()
  const seen = last === null ? 'no callback has come yet' : `the last callback came at ${last}`
  const { unsignedCallbacks: count, lastUnsignedAt } = facts
  if (lastUnsignedAt === undefined || (last !== null && last >= lastUnsignedAt)) return passed(id, seen)
  const evidence = `${seen}; ${count} came without a good token since the start, the last one at ${lastUnsignedAt}`
  if (isSigned) return warned(id, evidence, AGAIN_FIX)
  const fix =
    'Switch on JWT in Document Server (services.CoAuthoring.token.enable.request.outbox) with the secret of ONLYOFFICE_JWT_SECRET.'
  // Anybody can post something: with good ones before, it need not be Document Server.
  return last === null ? failed(id, evidence, fix) : warned(id, evidence, fix)
}

const AGAIN_FIX =
  'Open a document once, since a good callback ends this warning: Document Server signs now, so JWT was switched on ' +
  'in the meantime, or another sender than the one of ONLYOFFICE_URL posts to /api/onlyoffice/callback.'
