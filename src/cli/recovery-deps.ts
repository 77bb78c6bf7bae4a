import { addressesOf } from '../addresses.ts'
import { MemoryBackplane } from '../backplane/memory.ts'
import { DiskBlobs } from '../blobs/disk.ts'
import { createEvents } from '../core/events.ts'
import { KeyLocks } from '../core/key-locks.ts'
import { HttpDocServer } from '../docserver/client.ts'
import { createDocServerTokens } from '../docserver/tokens.ts'
import { createLogger } from '../log.ts'
import { Refusal } from '../maintenance/refusal.ts'
import { GroupCommit } from '../metadata/group-commit.ts'
import { keyPrefix } from '../metadata/installation.ts'
import type { Database } from '../metadata/schema.ts'
import type { Context } from './context.ts'
import { clock } from './data.ts'

/** What bringing a save home takes. @throws Refusal `document-server-missing` */
export async function recoveryDeps({ config, places }: Context, database: Database) {
  const { docServerUrl, docServerInternalUrl } = addressesOf(config, config.PORT)
  const secret = config.ONLYOFFICE_JWT_SECRET
  if (config.isEmulated || docServerUrl === undefined || secret === undefined)
    throw new Refusal('document-server-missing', 'no Document Server is configured (ONLYOFFICE_URL)')
  const tokens = createDocServerTokens({ secret, previous: config.ONLYOFFICE_JWT_SECRET_PREVIOUS }, clock)
  const docServer = new HttpDocServer({
    addresses: {
      publicUrl: docServerUrl,
      internalUrl: docServerInternalUrl,
      otherOrigins: config.DOWNLOAD_ORIGINS,
    },
    tokens,
    header: config.ONLYOFFICE_JWT_HEADER,
    caFile: config.ONLYOFFICE_CA_FILE,
    commandTimeoutS: config.COMMAND_TIMEOUT_S,
    stallS: config.DOWNLOAD_STALL_S,
  })
  return {
    config,
    places,
    clock,
    database,
    docServer,
    commits: new GroupCommit(database),
    blobs: await DiskBlobs.open({ root: places.blobsRoot }),
    events: createEvents(new MemoryBackplane()),
    locks: new KeyLocks(),
    keyPrefix: await keyPrefix(database),
    // What it finds is the command's answer; the log goes to standard output.
    log: createLogger({ ...config, LOG_LEVEL: 'silent' }),
  }
}
