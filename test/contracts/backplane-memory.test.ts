import { once } from 'node:events'
import { expect, test } from 'vitest'
import { MemoryBackplane } from '../../src/backplane/memory.ts'
import { backplaneContract } from './backplane.ts'

const ignore = () => {}

backplaneContract('memory', async () => ({
  nodes: [new MemoryBackplane({ onError: ignore })],
  heard: async () => {},
  [Symbol.asyncDispose]: async () => {},
}))

test('publish resolves when every listener was called', async () => {
  const backplane = new MemoryBackplane()
  const heard: string[] = []
  backplane.subscribe('documents', (message) => heard.push(`1 ${message}`))
  backplane.subscribe('documents', (message) => heard.push(`2 ${message}`))

  await backplane.publish('documents', 'a')

  expect(heard).toEqual(['1 a', '2 a'])
})

test('a subscription ended by an earlier listener of the same message is not told', async () => {
  const backplane = new MemoryBackplane()
  const heard: string[] = []
  backplane.subscribe('documents', () => end())
  const end = backplane.subscribe('documents', (message) => heard.push(message))

  await backplane.publish('documents', 'a')

  expect(heard).toEqual([])
})

test('what a listener throws is handed over', async () => {
  const errors: unknown[] = []
  const backplane = new MemoryBackplane({ onError: (error) => errors.push(error) })
  const fault = new Error('a fault in a listener')
  backplane.subscribe('documents', () => {
    throw fault
  })

  await backplane.publish('documents', 'a')

  expect(errors).toEqual([fault])
})

test('what a listener throws is a warning of the process when nobody takes it', async () => {
  const backplane = new MemoryBackplane()
  backplane.subscribe('documents', () => {
    throw new Error('a fault in a listener')
  })
  const warned = once(process, 'warning')

  await backplane.publish('documents', 'a')

  expect((await warned)[0]).toMatchObject({ message: 'a fault in a listener' })
})
