import type { Config } from '../config.ts'
import type { Logger } from '../log.ts'
import type { GroupCommit } from '../metadata/group-commit.ts'
import type { Database } from '../metadata/schema.ts'
import type { Metrics } from '../metrics.ts'
import type { Converter, KnownConversions } from './converter-port.ts'
import type { Events } from './events.ts'
import type { HealthProbe } from './health.ts'
import type { KeyLocks } from './key-locks.ts'
import type { BlobStore, DocServer } from './ports.ts'

/** Everything a use-case may use; each takes only the part it names. */
export type Deps = {
  config: Config
  /** The current time; tests set it. */
  clock: () => Date
  log: Logger
  metrics: Metrics
  database: Database
  /** For durable writes that many requests make at once. */
  commits: GroupCommit
  blobs: BlobStore
  /** Undefined when no Document Server is configured. */
  docServer: DocServer | undefined
  isDocServerHealthy: HealthProbe
  converter: Converter
  knownConversions: KnownConversions
  events: Events
  locks: KeyLocks
  /** First 8 characters of every key of this installation. */
  keyPrefix: string
}
