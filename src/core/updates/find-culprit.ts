/**
 * The place of the update with which a log fails first, by trying its beginnings.
 *
 * @param tryFirst whether the first so many are applied without failing
 * @returns undefined when it fails without any of them
 */
export async function findCulprit(
  count: number,
  tryFirst: (first: number) => Promise<boolean>,
): Promise<number | undefined> {
  if (!(await tryFirst(0))) return undefined
  let good = 0
  let bad = count
  while (bad - good > 1) {
    const middle = (good + bad) >>> 1
    if (await tryFirst(middle)) good = middle
    else bad = middle
  }
  return good
}
