import { type Check, type CheckId, failed, skipped } from './check.ts'

const LOCAL_FIX = 'Look into the log of this machine: its disk or database does not answer.'

/** A check that hangs or breaks ends as a failure of its own; requests have their own limits. */
export async function within(
  limitMs: number,
  ids: readonly [CheckId, ...CheckId[]],
  look: () => Promise<Check[]>,
  fix: string = LOCAL_FIX,
): Promise<Check[]> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new LateError()), limitMs)
  try {
    return await Promise.race([look(), late])
  } catch (error) {
    const [first, ...rest] = ids
    const seen = error instanceof LateError ? `no end within ${limitMs / 1000} s` : nameOf(error)
    return [failed(first, `could not be checked: ${seen}`, fix), ...skipped(rest, `of ${first}`)]
  } finally {
    clearTimeout(timer)
  }
}

class LateError extends Error {
  override readonly name = 'LateError'
}

/** Without the message: it may carry what must not be shown. */
function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown fault'
  return 'code' in error ? String(error.code) : error.name
}
