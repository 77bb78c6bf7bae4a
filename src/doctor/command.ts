import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { addressesOf } from '../addresses.ts'
import type { Config } from '../config.ts'
import { createTokens } from '../core/tokens.ts'
import { createDocServerTokens } from '../docserver/tokens.ts'
import { LibreOffice } from '../libreoffice/libreoffice.ts'
import { openBeside } from '../metadata/database.ts'
import type { Database } from '../metadata/schema.ts'
import { loadSecrets } from '../secrets.ts'
import { readConfig } from '../serve.ts'
import type { DoctorParts } from './parts.ts'
import { jsonReport, textReport } from './report.ts'
import { runDoctor } from './run-doctor.ts'

/**
 * Looks at every leg, through the service that runs with the same settings, and prints what it saw.
 *
 * @returns the exit code: 1 when a check fails or the settings are wrong
 */
export async function doctorCommand({ json }: { json: boolean }): Promise<number> {
  const config = readConfig()
  if (config === undefined) return 1
  await using doctor = await openDoctor(config)
  const diagnosis = await runDoctor(doctor.parts)
  process.stdout.write(json ? jsonReport(diagnosis) : textReport(diagnosis))
  return diagnosis.ok ? 0 : 1
}

/** The parts of a doctor outside the process of the service. @param port where that listens */
export async function openDoctor(
  config: Config,
  port: number = config.PORT,
): Promise<AsyncDisposable & { parts: DoctorParts }> {
  await using opened = new AsyncDisposableStack()
  const database = await openBesideService(config)
  opened.defer(() => database?.destroy())
  // Not the service's own folder: opening one empties it.
  const folder = join(tmpdir(), `docs-connector-doctor-${process.pid}`)
  const libreOffice = await LibreOffice.open({ searchPath: config.PATH, folder })
  opened.defer(() => libreOffice.close())
  const clock = () => new Date()
  const rootSecret = rootSecretOf(config)
  const parts: DoctorParts = {
    config,
    clock,
    database,
    addresses: addressesOf(config, port),
    tokens: createTokens(rootSecret, clock, config.ADMIN_TOKEN ?? ''),
    docServerTokens: createDocServerTokens(
      { secret: config.ONLYOFFICE_JWT_SECRET ?? '', previous: config.ONLYOFFICE_JWT_SECRET_PREVIOUS },
      clock,
    ),
    isLibreOfficeInstalled: libreOffice.isInstalled,
    looksOnce: true,
  }
  const resources = opened.move()
  return { parts, [Symbol.asyncDispose]: () => resources.disposeAsync() }
}

/** Made and migrated by nobody but the service; what keeps it from opening is told by its check. */
async function openBesideService({ DATABASE_URL }: Config): Promise<Database | undefined> {
  try {
    return await openBeside(DATABASE_URL)
  } catch {
    return undefined
  }
}

/** Never made here; without that of the service, the service takes us for a stranger and its check says so. */
function rootSecretOf(config: Config): string {
  const isThere = config.ROOT_SECRET !== undefined || existsSync(join(config.DATA_DIR, 'secrets.json'))
  try {
    // The other secret is not needed.
    if (isThere)
      return loadSecrets(config.DATA_DIR, { ...config, ADMIN_TOKEN: config.ADMIN_TOKEN ?? '' }).rootSecret
  } catch {
    // It cannot be read, or holds something else.
  }
  return randomUUID()
}
