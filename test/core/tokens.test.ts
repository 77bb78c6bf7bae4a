import { expect, test } from 'vitest'
import { createTokens } from '../../src/core/tokens.ts'
import { testClock } from '../support/clock.ts'

const ROOT = 'root-secret-of-the-tests-0123456789abcdef'
const file = { versionId: 'v', part: 'content' } as const

test('a token is good for its purpose only', () => {
  const tokens = createTokens(ROOT, () => new Date(), 'admin')
  const token = tokens.issue('file', file, 60)

  expect(tokens.read('file', token)).toEqual(file)
  expect(tokens.read('access', token)).toBeUndefined()
  expect(tokens.read('page', token)).toBeUndefined()
  expect(tokens.read('administrator', token)).toBeUndefined()
})

test('a token ends with its time, and another installation’s is worth nothing', () => {
  const clock = testClock()
  const tokens = createTokens(ROOT, clock.now, 'admin')
  const token = tokens.issue('access', { clientId: 'c' }, 60)

  expect(createTokens(`${ROOT}!`, clock.now, 'admin').read('access', token)).toBeUndefined()
  clock.pass(61)
  expect(tokens.read('access', token)).toBeUndefined()
})

test('a new token of the administrator ends what was signed in by the old one, and nothing else', () => {
  const before = createTokens(ROOT, () => new Date(), 'admin')
  const after = createTokens(ROOT, () => new Date(), 'another')

  expect(after.read('administrator', before.issue('administrator', {}, 60))).toBeUndefined()
  expect(after.read('file', before.issue('file', file, 60))).toEqual(file)
})
