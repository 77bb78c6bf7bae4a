import type { Config } from '../config.ts'
import type { Logger } from '../log.ts'
import type { GroupCommit } from '../metadata/group-commit.ts'
import type { Database } from '../metadata/schema.ts'
import type { Metrics } from '../metrics.ts'
import type { Converter, KnownConversions } from './converter-port.ts'
import type { Events } from './events.ts'
import type { HealthProbe, Supports } from './health.ts'
import type { MakeFile } from './json-content/make-file.ts'
import type { Locks } from './locks.ts'
import type { Openings } from './openings.ts'
import type { BlobRef, BlobStore, DocServer, RemoteFiles, WebhookSender } from './ports.ts'
import type { KnownAdmissions } from './sharing/admissions.ts'

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
  supports: Supports
  converter: Converter
  makeFile: MakeFile
  knownConversions: KnownConversions
  events: Events
  locks: Locks
  /** First 8 characters of every key of this installation. */
  keyPrefix: string
  openings: Openings
  admissions: KnownAdmissions
  webhookSender: WebhookSender
  /** `whsec_…` of a webhook; derived, never stored. */
  webhookSecret: (webhookId: string) => string
  remoteFiles: RemoteFiles
  /** Keeps addresses that carry tokens unreadable in the database. */
  addressSeal: { close(text: string): string; open(sealed: string): string }
  /** Where Document Server fetches the content of a version. */
  contentAddress: (documentId: string, versionId: string) => string
  /** Where others than Document Server fetch one file of a document that is kept for them. */
  downloadAddress: (
    documentId: string,
    file: Pick<BlobRef, 'sha256'> & { extension: string },
    lifetimeS: number,
  ) => string
}
