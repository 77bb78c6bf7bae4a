// The API changes one document at a time; people choose many.

import { toast } from './toast.js'

const AT_ONCE = 4

/**
 * Does it for each, a few at a time; what is refused is told once.
 *
 * @returns the ids for which it was done
 */
export async function forEach(ids, action) {
  const waiting = [...ids]
  const done = []
  const faults = []
  const work = async () => {
    for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
      await action(id).then(
        () => done.push(id),
        (error) => faults.push(error),
      )
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  if (faults.length > 0) {
    const [{ message }] = faults
    toast(ids.length === 1 ? message : `${faults.length} of ${ids.length} failed: ${message}`, {
      isFault: true,
    })
  }
  return done
}

export function documents(count) {
  return count === 1 ? '1 document' : `${count} documents`
}
