import type { Deps } from '../core/deps.ts'
import type { Tokens } from '../core/tokens.ts'
import type { ContinuousDoctor } from '../doctor/continuous.ts'
import type { Authentication } from '../http/authentication.ts'
import type { Csrf } from '../http/csrf.ts'
import type { Limits } from '../http/limits.ts'
import type { Repeats } from './repeats.ts'

/** What the REST API uses beside the use-cases. */
export type Api = {
  deps: Deps
  tokens: Tokens
  authentication: Authentication
  csrf: Csrf
  limits: Limits
  repeats: Repeats
  /** Undefined: nobody looks. */
  doctor?: ContinuousDoctor | undefined
  /** Our address for browsers, no slash at the end. */
  publicUrl: string
  /** Our address for Document Server, likewise. */
  internalUrl: string
}
