import type { Response } from 'express'
import type { Addresses } from '../addresses.ts'
import type { Deps } from '../core/deps.ts'
import type { Tokens } from '../core/tokens.ts'
import type { ContinuousDoctor } from '../doctor/continuous.ts'
import type { Authentication } from '../http/authentication.ts'
import type { Csrf } from '../http/csrf.ts'
import type { Limits } from '../http/limits.ts'
import type { Views } from '../pages/views.ts'
import type { ContentCheck } from './content-check.ts'
import type { DocServerTokens } from './tokens.ts'

/** What the ONLYOFFICE endpoints use beside the use-cases. */
export type Door = {
  deps: Deps
  tokens: Tokens
  docServerTokens: DocServerTokens
  addresses: Addresses
  authentication: Authentication
  csrf: Csrf
  limits: Limits
  openableFormat: ContentCheck
  views: Views
  doctor: ContinuousDoctor
  /** Callbacks without a good token, since the start. */
  unsignedCallbacks: { count: number; lastAt: Date | undefined }
  /** Open event streams. */
  streams: Set<Response>
  /** Set once the service stops taking saves. */
  isStopping: () => boolean
}
