import { expect, test } from 'vitest'
import { createTokens } from '../../src/core/tokens.ts'
import { testClock } from '../support/clock.ts'

const ROOT = 'root-secret-of-the-tests-0123456789abcdef'
const file = { versionId: 'v', part: 'content' } as const

test('a token is good for its purpose only', () => {
  const tokens = createTokens(ROOT, () => new Date())
  const token = tokens.issue('file', file, 60)

  expect(tokens.read('file', token)).toEqual(file)
  expect(tokens.read('access', token)).toBeUndefined()
  expect(tokens.read('page', token)).toBeUndefined()
  expect(tokens.read('administrator', token)).toBeUndefined()
})

test('a token ends with its time, and another installation’s is worth nothing', () => {
  const clock = testClock()
  const tokens = createTokens(ROOT, clock.now)
  const token = tokens.issue('access', { clientId: 'c' }, 60)

  expect(createTokens(`${ROOT}!`, clock.now).read('access', token)).toBeUndefined()
  clock.pass(61)
  expect(tokens.read('access', token)).toBeUndefined()
})
