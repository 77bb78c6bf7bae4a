/** Works on what comes, several at a time. After the first failure nothing new begins, and it is thrown once all stand still. */
export async function inParallel<T>(
  items: AsyncIterator<T>,
  most: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  let failure: { error: unknown } | undefined
  const worker = async () => {
    try {
      while (failure === undefined) {
        const next = await items.next()
        if (next.done === true) return
        await work(next.value)
      }
    } catch (error) {
      failure ??= { error }
    }
  }
  await Promise.all(Array.from({ length: most }, worker))
  await items.return?.()
  if (failure !== undefined) throw failure.error
}
