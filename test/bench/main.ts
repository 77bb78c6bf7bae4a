import { statfsSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { parseArgs } from 'node:util'
import { callback } from './callback.ts'
import { config } from './config.ts'
import { file } from './file.ts'
import { forcesave } from './forcesave.ts'
import { hub } from './hub.ts'
import { list } from './list.ts'
import { maintenance } from './maintenance.ts'
import { memory } from './memory.ts'
import { dropMillion } from './million.ts'
import { pages } from './pages.ts'
import { shareCores } from './processes.ts'
import { type Result, table } from './results.ts'
import { scaled } from './scaled.ts'
import { search } from './search.ts'
import { signatures } from './signatures.ts'
import { start } from './start.ts'
import { token } from './token.ts'
import { upload } from './upload.ts'

/** Source: statfs(2), TMPFS_MAGIC. */
const TMPFS = 0x01021994

const USAGE = 'Usage: npm run bench -- [--large] [NAME…]\n'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { large: { type: 'boolean', default: false } },
})

const ROWS: Record<string, () => Promise<Result[]>> = {
  config,
  signatures,
  file,
  callback,
  memory: () => memory({ isLarge: values.large }),
  forcesave,
  hub,
  upload,
  token,
  list,
  search,
  pages,
  maintenance,
  scaled,
  start,
}

const unknown = positionals.filter((name) => ROWS[name] === undefined)
if (unknown.length > 0) {
  process.stderr.write(`${USAGE}Names: ${Object.keys(ROWS).join(', ')}\n`)
  process.exit(2)
}

say(`Node ${process.versions.node}, ${cpus()[0]?.model ?? 'unknown processor'}; ${shareCores()}\n`)
if (statfsSync(tmpdir()).type === TMPFS) {
  say(`${tmpdir()} lies in memory, where an fsync costs nothing: set TMPDIR to a disk.\n`)
}

const results: Result[] = []
for (const [name, measure] of Object.entries(ROWS)) {
  if (positionals.length > 0 && !positionals.includes(name)) continue
  const started = performance.now()
  try {
    results.push(...(await measure()))
    say(`${name}: measured in ${((performance.now() - started) / 1000).toFixed(0)} s\n`)
  } catch (error) {
    // Missed targets are findings; a row without figures is a fault of the measuring.
    process.exitCode = 1
    say(`${name}: ${error instanceof Error ? error.stack : error}\n`)
  }
}
await dropMillion()
say(`\n${table(results)}`)

function say(text: string): void {
  process.stdout.write(text)
}
