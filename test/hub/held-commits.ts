import type { TestApp } from '../support/app.ts'

/** Holds the next durable write until it is let go; those behind it are not held. */
export function holdNextCommit({ deps: { commits } }: Pick<TestApp, 'deps'>) {
  const { promise: reached, resolve: reach } = Promise.withResolvers<void>()
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  const run = commits.run.bind(commits)
  let isFirst = true
  commits.run = async (work) => {
    if (isFirst) {
      isFirst = false
      reach()
      await released
    }
    return run(work)
  }
  return { reached, release }
}
