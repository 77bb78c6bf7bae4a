import * as Y from 'yjs'
import { Problem } from '../../errors.ts'
import { JobFailed } from './job-failed.ts'
import type { YjsProcesses } from './yjs-processes.ts'

/** What is so small is narrowed at once. */
const SMALL_BYTES = 16 * 1024
const MOST_VECTOR_BYTES = 1024 * 1024

/** What somebody lacks of a state who has what the vector says; all of it when that is too much to tell. */
export async function narrowed(
  update: Uint8Array,
  vector: Uint8Array,
  processes: YjsProcesses,
): Promise<Uint8Array> {
  if (update.byteLength <= SMALL_BYTES) return Y.diffUpdate(update, vector)
  try {
    return await processes.run('narrow', { update, vector })
  } catch (error) {
    if (error instanceof JobFailed) return update
    throw error
  }
}

/** @throws Problem `update-invalid` for a state vector that cannot be read */
export function demandVector(vector: Uint8Array): void {
  try {
    if (vector.byteLength > MOST_VECTOR_BYTES) throw new RangeError('the state vector is too long')
    Y.decodeStateVector(vector)
  } catch (error) {
    throw new Problem('update-invalid', 'the state vector cannot be read', { cause: error })
  }
}
