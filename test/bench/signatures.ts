import { createHmac, createSecretKey } from 'node:crypto'
import { createDocServerTokens } from '../../src/docserver/tokens.ts'
import { atLeast, type Result } from './results.ts'
import { interleaved } from './rounds.ts'
import { sampleConfig } from './sample-config.ts'
import { SECRET } from './service.ts'

const ID = '0198c0de-0000-7000-8000-000000000000'
const MILLISECONDS = 1000
const BETWEEN_LOOKS = 200

/** The token over a config, beside the same token put together with node:crypto alone. */
export async function signatures(): Promise<Result[]> {
  const tokens = createDocServerTokens({ secret: SECRET }, () => new Date())
  const config = sampleConfig(ID, tokens.sign({ versionId: ID, part: 'content' }, 3600))
  const key = createSecretKey(SECRET, 'utf8')
  const header = Buffer.from('{"alg":"HS256","typ":"JWT"}').toString('base64url')

  const byHand = () => {
    const iat = Math.floor(Date.now() / 1000)
    const payload = Buffer.from(JSON.stringify({ ...config, iat, exp: iat + 3600 })).toString('base64url')
    const text = `${header}.${payload}`
    return `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`
  }
  const medians = await interleaved(
    async () => perSecond(() => tokens.sign(config, 3600)),
    async () => perSecond(byHand),
  )
  return [atLeast('signatures/s', medians, 0.7)]
}

function perSecond(work: () => string): number {
  const started = performance.now()
  let count = 0
  let elapsed = 0
  while (elapsed < MILLISECONDS) {
    for (let turn = 0; turn < BETWEEN_LOOKS; turn++) work()
    count += BETWEEN_LOOKS
    elapsed = performance.now() - started
  }
  return (count / elapsed) * 1000
}
