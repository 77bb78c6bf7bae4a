import { Problem } from '../errors.ts'

export const PERMISSIONS = ['documents:read', 'documents:write', 'collaboration:join'] as const
export type Permission = (typeof PERMISSIONS)[number]

export type User = { id: string; name: string }

/** Whoever asks for something. The administrator sees all workspaces unless one is named, a client only its own. */
export type Caller = (
  | { kind: 'administrator'; workspaceId?: string }
  | { kind: 'client'; id: string; name: string; workspaceId: string; permissions: Permission[] }
) & {
  /** The user of theirs who does it. */
  actsFor?: User
}

/** @throws Problem `permission-missing` */
export function demand(caller: Caller, permission: Permission): void {
  if (!may(caller, permission)) throw new Problem('permission-missing', `the token lacks ${permission}`)
}

export function may(caller: Caller, permission: Permission): boolean {
  return caller.kind === 'administrator' || caller.permissions.includes(permission)
}

/** Undefined: all workspaces. */
export function workspaceOf(caller: Caller): string | undefined {
  return caller.workspaceId
}

/** As author of versions. */
export function authorOf(caller: Caller): User {
  if (caller.actsFor !== undefined) return caller.actsFor
  return caller.kind === 'administrator'
    ? { id: 'administrator', name: 'Administrator' }
    : { id: caller.id, name: caller.name }
}
