import type { Selectable } from 'kysely'
import type { Database, Schema, Tx } from './schema.ts'

export type AlertRow = Selectable<Schema['alerts']>

export function raisedAlerts(db: Database | Tx): Promise<AlertRow[]> {
  return db.selectFrom('alerts').selectAll().orderBy('name').execute()
}

export async function insertAlert(tx: Tx, row: AlertRow): Promise<void> {
  await tx.insertInto('alerts').values(row).execute()
}

export async function setCalmChecks(tx: Tx, name: string, calmChecks: number): Promise<void> {
  await tx.updateTable('alerts').set({ calm_checks: calmChecks }).where('name', '=', name).execute()
}

export async function deleteAlert(tx: Tx, name: string): Promise<void> {
  await tx.deleteFrom('alerts').where('name', '=', name).execute()
}
