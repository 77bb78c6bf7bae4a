import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { CHECKS, type CheckId } from '../../src/doctor/check.ts'
import { openDoctor } from '../../src/doctor/command.ts'
import type { DoctorParts, Limits } from '../../src/doctor/parts.ts'
import { jsonReport, textReport } from '../../src/doctor/report.ts'
import { type Diagnosis, runDoctor } from '../../src/doctor/run-doctor.ts'
import type { Emulator } from '../../src/emulator/emulator.ts'
import { startEmulator } from '../../src/emulator/start.ts'
import { QUICK } from '../docserver/support.ts'
import { ADMIN_TOKEN, SECRET, startApp, type TestApp } from '../support/app.ts'
import { isScaled } from '../support/scale.ts'

/** Nothing listens there. */
export const CLOSED = 'http://127.0.0.1:1'
/** Less than the emulator downloads. */
export const MAX_FILE_BYTES = 50_000_000

const SHARED = new Set<string>(['blobs', 'backplane'] satisfies CheckId[])
/** What a report lists, in its order: what nodes share only where there is any. */
export const LISTED = (Object.keys(CHECKS) as CheckId[]).filter((id) => isScaled || !SHARED.has(id))

export type SceneOptions = {
  /** Of Document Server. */
  emulator?: Parameters<typeof startEmulator>[0]
  /** Of the service; with the address of Document Server when that is known. */
  env?: (docServer: { url: string }) => Record<string, string>
  limits?: Limits
}

export type Scene = AsyncDisposable & {
  app: TestApp
  docServer: Emulator & { url: string }
  parts: DoctorParts
  diagnose(changes?: Partial<DoctorParts>): Promise<Diagnosis>
  /** What is not well, and the whole report beside it. */
  troubles(changes?: Partial<DoctorParts>): Promise<{ troubles: string[]; fix: string; diagnosis: Diagnosis }>
}

/** A service, a current Document Server and a doctor that knows both; nothing is wrong unless told otherwise. */
export async function startScene({ emulator, env = () => ({}), limits }: SceneOptions = {}): Promise<Scene> {
  await using opened = new AsyncDisposableStack()
  const office = opened.use(await quickOffice())
  const docServer = opened.use(
    await startEmulator({ secret: SECRET, timings: QUICK, office: office.program, ...emulator }),
  )
  docServer.version = '9.4.0.129'
  const app = opened.use(
    await startApp({
      docServer,
      env: {
        PATH: office.folder,
        MAX_FILE_BYTES: String(MAX_FILE_BYTES),
        ALERT_DISK_FREE_BYTES: '1',
        ...env(docServer),
      },
    }),
  )
  const { parts } = opened.use(await openDoctor(app.deps.config, Number(new URL(app.url).port)))
  const diagnose = (changes: Partial<DoctorParts> = {}) =>
    runDoctor({ ...parts, ...(limits === undefined ? {} : { limits }), ...changes })
  const resources = opened.move()
  return {
    app,
    docServer,
    parts,
    diagnose,
    async troubles(changes) {
      const diagnosis = await diagnose(changes)
      const found = diagnosis.checks.filter(({ result }) => result !== 'ok')
      return {
        troubles: found.map(({ id, leg, result }) => `${result} ${id} (${leg})`),
        fix: found.map(({ fix }) => fix).join('\n'),
        diagnosis,
      }
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  }
}

/** Stands for LibreOffice: writes a file of any type at once. */
export async function quickOffice() {
  const folder = await mkdtemp(join(tmpdir(), 'quick-office-'))
  const program = join(folder, 'soffice')
  const script = `#!/bin/sh
while [ $# -gt 1 ]; do
  case "$1" in --convert-to) to="$2";; --outdir) out="$2";; esac
  shift
done
/bin/mkdir -p "$out"; printf 'converted' > "$out/source.$to"
`
  await writeFile(program, script)
  await chmod(program, 0o755)
  return { program, folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) }
}

/** A file for `ONLYOFFICE_CA_FILE`. */
export async function pemFile(pem: string) {
  const folder = await mkdtemp(join(tmpdir(), 'pem-'))
  const path = join(folder, 'authority.pem')
  await writeFile(path, pem)
  return { path, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) }
}

/** Exactly this is wrong, and the fix names this. */
export async function expectTrouble(
  scene: Pick<Scene, 'troubles'>,
  trouble: string,
  ...named: (string | RegExp)[]
) {
  const diagnosis = await expectOnly(scene, trouble, ...named)
  expect(diagnosis.checks.map(({ id }) => id)).toEqual(LISTED)
}

/** @returns the whole report */
export async function expectOnly(
  scene: Pick<Scene, 'troubles'>,
  trouble: string,
  ...named: (string | RegExp)[]
): Promise<Diagnosis> {
  const { troubles, fix, diagnosis } = await scene.troubles()
  expect(troubles).toEqual([trouble])
  for (const name of named) expect(fix).toMatch(name)
  expect(fix.split(/\.\s+(?=[A-Z])/)).toHaveLength(1)
  expect(diagnosis.ok).toBe(trouble.startsWith('warn'))
  const shown = jsonReport(diagnosis) + textReport(diagnosis)
  for (const secret of [SECRET, ADMIN_TOKEN, 'eyJ']) expect(shown).not.toContain(secret)
  return diagnosis
}
