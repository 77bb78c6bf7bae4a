import { addressesOf } from '../addresses.ts'
import { MemoryBackplane } from '../backplane/memory.ts'
import { createEvents } from '../core/events.ts'
import { createLocks } from '../core/locks.ts'
import { docServerOf } from '../docserver/configured.ts'
import { createDocServerTokens } from '../docserver/tokens.ts'
import { createLogger } from '../log.ts'
import { Refusal } from '../maintenance/refusal.ts'
import { GroupCommit } from '../metadata/group-commit.ts'
import { keyPrefix } from '../metadata/installation.ts'
import type { Database } from '../metadata/schema.ts'
import type { Context } from './context.ts'
import { clock, openForWriting } from './data.ts'

/** What bringing a save home takes. @throws Refusal `document-server-missing` */
export async function recoveryDeps({ config }: Context, database: Database) {
  const addresses = addressesOf(config, config.PORT)
  const secret = config.ONLYOFFICE_JWT_SECRET
  const previous = config.ONLYOFFICE_JWT_SECRET_PREVIOUS
  const docServer =
    config.isEmulated || secret === undefined
      ? undefined
      : docServerOf(config, addresses, createDocServerTokens({ secret, previous }, clock))
  if (docServer === undefined)
    throw new Refusal('document-server-missing', 'no Document Server is configured (ONLYOFFICE_URL)')
  // What it finds is the command's answer; the log goes to standard output.
  const log = createLogger({ ...config, LOG_LEVEL: 'silent' })
  const blobs = await openForWriting(config, database)
  return {
    config,
    clock,
    database,
    docServer,
    commits: new GroupCommit(database),
    blobs,
    events: createEvents(new MemoryBackplane()),
    locks: createLocks({ database, config, log }),
    keyPrefix: await keyPrefix(database),
    log,
    [Symbol.asyncDispose]: () => blobs.close(),
  }
}
