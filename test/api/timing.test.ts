import { afterAll, expect, test, vi } from 'vitest'
import { checkCredentials, createApiKey, rotateSecret } from '../../src/core/api-keys.ts'
import { PERMISSIONS } from '../../src/core/callers.ts'
import { isProblem } from '../../src/errors.ts'
import { startApp } from '../support/app.ts'

/** The work that depends on the secret. */
const counted = vi.hoisted(() => ({ hashes: 0, comparisons: 0 }))
vi.mock('node:crypto', async (importOriginal) => {
  const crypto = await importOriginal<typeof import('node:crypto')>()
  return {
    ...crypto,
    createHash: (...given: Parameters<typeof crypto.createHash>) => {
      counted.hashes += 1
      return crypto.createHash(...given)
    },
    timingSafeEqual: (...given: Parameters<typeof crypto.timingSafeEqual>) => {
      counted.comparisons += 1
      return crypto.timingSafeEqual(...given)
    },
  }
})

const app = await startApp()
afterAll(() => app[Symbol.asyncDispose]())

/** Far above the noise of two medians, far below what a path that is cut short would save. */
const FACTOR = 1.5
const CALLS = 400
/** A machine that is busy with something else just then gets another chance. */
const ATTEMPTS = 3

const { id, apiKey, secret } = await createApiKey(app.deps, { name: 'Timed', permissions: [...PERMISSIONS] })
const unknown = apiKey.replaceAll(/[a-z]/g, 'q')

async function refusal(credentials: { apiKey: string; secret: string }): Promise<number> {
  const started = performance.now()
  const error = await checkCredentials(app.deps, credentials).catch((error: unknown) => error)
  const ms = performance.now() - started
  expect(isProblem(error, 'credentials-invalid')).toBe(true)
  return ms
}

const median = (values: number[]) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

/** How many times longer the slower of the two takes, their calls one after the other. */
async function ratio(one: () => Promise<number>, other: () => Promise<number>): Promise<number> {
  const times: [number[], number[]] = [[], []]
  for (let n = 0; n < CALLS; n += 1) {
    times[0].push(await one())
    times[1].push(await other())
  }
  const [a, b] = times.map(median) as [number, number]
  return Math.max(a / b, b / a)
}

async function demandAlike(one: () => Promise<number>, other: () => Promise<number>) {
  const ratios: number[] = []
  for (let n = 0; n < ATTEMPTS; n += 1) {
    ratios.push(await ratio(one, other))
    if ((ratios.at(-1) ?? Number.NaN) < FACTOR) return
  }
  expect.fail(`the medians differ by factors of ${ratios.map((one) => one.toFixed(2)).join(', ')}`)
}

test('an unknown key is looked up, hashed and compared like a known one', async () => {
  const workFor = async (credentials: { apiKey: string; secret: string }) => {
    Object.assign(counted, { hashes: 0, comparisons: 0 })
    await refusal(credentials)
    return { ...counted }
  }
  const known = await workFor({ apiKey, secret: 'nuto_sk_wrong' })
  expect(known).toEqual({ hashes: 1, comparisons: 2 })
  expect(await workFor({ apiKey: unknown, secret: 'nuto_sk_wrong' })).toEqual(known)
  expect(await workFor({ apiKey: '', secret: '' })).toEqual(known)
})

test('an unknown key and a wrong secret take the same time', async () => {
  const wrong = `${secret.slice(0, -1)}${secret.endsWith('A') ? 'B' : 'A'}`
  await demandAlike(
    () => refusal({ apiKey: unknown, secret: wrong }),
    () => refusal({ apiKey, secret: wrong }),
  )
})

test('a secret that is wrong at its first or its last character takes the same time', async () => {
  await demandAlike(
    () => refusal({ apiKey, secret: `x${secret.slice(1)}` }),
    () => refusal({ apiKey, secret: `${secret.slice(0, -1)}!` }),
  )
})

test('a key whose secret was rotated refuses a wrong one in the same time', async () => {
  await rotateSecret(app.deps, id)
  await demandAlike(
    () => refusal({ apiKey: unknown, secret: 'nuto_sk_wrong' }),
    () => refusal({ apiKey, secret: 'nuto_sk_wrong' }),
  )
})
