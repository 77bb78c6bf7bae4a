import { expect, test } from 'vitest'
import { inParallel } from '../../src/maintenance/in-parallel.ts'
import { terminalProgress } from '../../src/maintenance/progress.ts'

test('the bar shows how much is done, also of more than was counted, and goes away', async () => {
  const written: string[] = []
  const progress = terminalProgress({ write: (text) => written.push(text) })
  await progress.begin('Copying', () => 2)
  expect(written.at(-1)).toContain('Copying ░')
  expect(written.at(-1)).toContain('0 %  0 of 2')
  for (let at = 0; at < 3; at += 1) progress.step()
  await progress.begin('Reading', async () => 0)
  expect(written.at(-1)).toContain('100 %  0 of 0')
  progress.end()
  expect(written.at(-1)).toBe('\r\u001b[K')
})

async function* numbers(count: number) {
  for (let at = 0; at < count; at += 1) yield at
}

test('work goes on several at a time and is all done at the end', async () => {
  let now = 0
  let most = 0
  const done: number[] = []
  await inParallel(numbers(50), 4, async (at) => {
    now += 1
    most = Math.max(most, now)
    await new Promise((resolve) => setImmediate(resolve))
    now -= 1
    done.push(at)
  })
  expect([most, done.length]).toEqual([4, 50])
})

test('after a failure nothing new begins, and it is thrown when all stand still', async () => {
  let begun = 0
  let now = 0
  const working = inParallel(numbers(100), 4, async (at) => {
    begun += 1
    now += 1
    await new Promise((resolve) => setImmediate(resolve))
    now -= 1
    if (at === 5) throw new Error('broken')
  })
  await expect(working).rejects.toThrow('broken')
  expect(now).toBe(0)
  expect(begun).toBeLessThan(20)
})
