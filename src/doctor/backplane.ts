import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import { type Check, failed, passed } from './check.ts'
import type { Run } from './parts.ts'
import { placeOf, unreachable } from './place.ts'
import { faultOfCode } from './requests.ts'

const ID = 'backplane'
const CREDENTIALS_FIX = 'Correct the user and the password in BACKPLANE_URL.'

/** Codes with which Redis refuses, and what is to be done. Source: Redis, ACL; protocol specification, simple errors. */
const REFUSALS: Record<string, string> = {
  WRONGPASS: CREDENTIALS_FIX,
  NOAUTH: CREDENTIALS_FIX,
  NOPERM: 'Let the user of BACKPLANE_URL use the channels and keys of Redis that begin with docs-connector:.',
  LOADING: 'Wait until Redis has read its data.',
}

/** Says something on one connection and hears it on another one, as nodes do. */
export async function backplaneCheck({ config, limits }: Pick<Run, 'config' | 'limits'>): Promise<Check> {
  const { BACKPLANE_URL: url } = config
  const place = placeOf(url) ?? 'the host of BACKPLANE_URL'
  const channel = `docs-connector:doctor:${randomUUID()}`
  const faults: Error[] = []
  const open = () => connection(url, faults)
  const [listener, speaker] = [open(), open()]
  const heard = Promise.withResolvers<void>()
  const close = () => {
    for (const one of [listener, speaker]) {
      one.disconnect()
      // Its end alone would wait for a Redis that is frozen.
      one.stream?.destroy()
    }
  }
  const late = setTimeout(() => {
    const fault = Object.assign(new Error(), { code: 'ETIMEDOUT' })
    faults.push(fault)
    heard.reject(fault)
    close()
  }, limits.checkMs / 2)
  // Whoever waits for it is told; before that it is nobody's.
  heard.promise.catch(() => {})
  try {
    await Promise.all([listener.connect(), speaker.connect()])
    listener.on('message', () => heard.resolve())
    await listener.subscribe(channel)
    await speaker.publish(channel, 'probe')
    await heard.promise
    // A database that it does not have is told beside.
    if (faults[0] !== undefined) return troubleOf(faults[0], place)
    return passed(ID, `Redis at ${place} passes messages on`)
  } catch (error) {
    // What ends a connection is told before that it has ended.
    return troubleOf(faults[0] ?? error, place)
  } finally {
    clearTimeout(late)
    close()
  }
}

function connection(url: string, faults: Error[]): Redis {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectionName: 'docs-connector-doctor',
    protocol: 2,
    enableReadyCheck: false,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
  })
  redis.on('error', (error: Error) => faults.push(error))
  return redis
}

/** Its words are not quoted: they may hold what must not be shown. */
function troubleOf(error: unknown, place: string): Check {
  const words = error instanceof Error ? error.message : ''
  const [refusal = ''] = /^[A-Z]+(?= )/.exec(words) ?? []
  const evidence = `Redis at ${place} refuses (${refusal})`
  const fix = REFUSALS[refusal]
  if (fix !== undefined) return failed(ID, evidence, fix)
  if (/DB index/.test(words)) {
    return failed(ID, evidence, 'Correct the number of the database at the end of BACKPLANE_URL.')
  }
  if (refusal !== '') return failed(ID, evidence, 'Look into the log of Redis for the reason.')
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'no answer'
  const trouble = unreachable(faultOfCode(code), 'BACKPLANE_URL', 'Redis', place)
  return failed(ID, trouble.evidence, trouble.fix)
}
