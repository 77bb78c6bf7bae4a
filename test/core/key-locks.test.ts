import { expect, test } from 'vitest'
import { KeyLocks } from '../../src/core/key-locks.ts'

test('work of one key runs in the order of asking, other keys do not wait', async () => {
  const locks = new KeyLocks()
  const order: string[] = []
  const { promise: opened, resolve: open } = Promise.withResolvers<void>()

  const first = locks.run('a', async () => {
    await opened
    order.push('a1')
  })
  const second = locks.run('a', async () => order.push('a2'))
  await locks.run('b', async () => order.push('b'))
  open()
  await Promise.all([first, second])

  expect(order).toEqual(['b', 'a1', 'a2'])
})

test('a failure ends its own work only', async () => {
  const locks = new KeyLocks()
  const failing = locks.run('a', async () => {
    throw new Error('broken')
  })
  const next = locks.run('a', async () => 'done')

  await expect(failing).rejects.toThrow('broken')
  expect(await next).toBe('done')
})
