import type { Caller } from '../core/callers.ts'
import { authorOf, may } from '../core/callers.ts'
import type { Deps } from '../core/deps.ts'
import { admissionOfEmbed } from '../core/sharing/admission.ts'
import type { Tokens } from '../core/tokens.ts'
import { isProblem, Problem } from '../errors.ts'
import type { Authentication } from '../http/authentication.ts'

/** Whoever is behind a connection. */
export type HubClient = {
  /** Asked again while the connection lasts; undefined: nobody said who they are. */
  token: string | undefined
  caller: Caller
  /** An embed knows one document only. */
  documentId: string | undefined
  /** Undefined: the token stands for a program, its users are told apart by connection. */
  userId: string | undefined
  userName: string
  maySend: boolean
}

export type Access = {
  /** @throws Problem `token-missing`, `token-invalid`, `permission-missing` */
  clientOf(token: string | undefined): Promise<HubClient>
  /** As the client stands now; what it may do is brought up to date. `expired`: a fresh token lets in again; `ended`: it was taken back. */
  stateOf(client: HubClient): Promise<'good' | 'expired' | 'ended'>
}

/**
 * A bearer of the API with `collaboration:join`, and `documents:write` to send; or the embed token of
 * a document: view and comment read along, edit also sends.
 */
export function createAccess(
  deps: Pick<Deps, 'config' | 'database' | 'clock'>,
  tokens: Tokens,
  authentication: Pick<Authentication, 'byToken'>,
): Access {
  async function clientOf(token: string | undefined): Promise<HubClient> {
    if (token === undefined) {
      if (!deps.config.HUB_ANONYMOUS) throw new Problem('token-missing')
      return {
        token,
        caller: { kind: 'administrator' },
        documentId: undefined,
        userId: undefined,
        userName: 'Anonymous',
        maySend: true,
      }
    }
    const embed = tokens.read('embed', token)
    if (embed !== undefined) {
      const { caller, user, grants } = await admissionOfEmbed(deps, embed)
      if (!grants.has('view')) throw new Problem('permission-missing', 'the embed may not read any more')
      return {
        token,
        caller,
        documentId: embed.documentId,
        userId: user.id,
        userName: user.name,
        maySend: grants.has('edit'),
      }
    }
    const caller = await authentication.byToken(token)
    if (!may(caller, 'collaboration:join'))
      throw new Problem('permission-missing', 'the token lacks collaboration:join')
    return {
      token,
      caller,
      documentId: undefined,
      userId: undefined,
      userName: authorOf(caller).name,
      maySend: may(caller, 'documents:write'),
    }
  }

  return {
    clientOf,
    async stateOf(client) {
      const { token } = client
      try {
        client.maySend = (await clientOf(token)).maySend
        return 'good'
      } catch (error) {
        // A database that is busy is no reason to end it.
        if (!isProblem(error, 'token-missing', 'token-invalid', 'permission-missing')) return 'good'
      }
      const isWellSigned =
        token !== undefined &&
        (tokens.read('access', token) !== undefined || tokens.read('embed', token) !== undefined)
      return isWellSigned ? 'ended' : 'expired'
    },
  }
}
