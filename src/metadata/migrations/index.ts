import type { Migration } from 'kysely/migration'
import * as first from './0001-documents-and-sessions.ts'
import * as second from './0002-keys-folding-trash.ts'
import * as third from './0003-presence.ts'
import * as fourth from './0004-organising.ts'
import * as fifth from './0005-activity-and-webhooks.ts'
import * as sixth from './0006-sharing.ts'
import * as seventh from './0007-hub.ts'
import * as eighth from './0008-thumbnails.ts'
import * as ninth from './0009-undecided-versions.ts'
import * as tenth from './0010-nodes.ts'
import * as eleventh from './0011-trash.ts'
import * as twelfth from './0012-node-settings.ts'

/** All migrations in order; one that was released is never changed. */
export const MIGRATIONS: Record<string, Migration> = {
  '0001-documents-and-sessions': first,
  '0002-keys-folding-trash': second,
  '0003-presence': third,
  '0004-organising': fourth,
  '0005-activity-and-webhooks': fifth,
  '0006-sharing': sixth,
  '0007-hub': seventh,
  '0008-thumbnails': eighth,
  '0009-undecided-versions': ninth,
  '0010-nodes': tenth,
  '0011-trash': eleventh,
  '0012-node-settings': twelfth,
}
