import { createHmac } from 'node:crypto'
import { s3Address } from './blobs/s3-address.ts'
import type { Config } from './config.ts'
import type { SharedSettings } from './metadata/nodes.ts'
import { deriveKey } from './secrets.ts'

/**
 * What all nodes must have the same, as digests: nothing can be learnt from them. A bucket or a Redis
 * may be called by other addresses from elsewhere.
 */
export function sharedSettings({ BLOBS_URL }: Pick<Config, 'BLOBS_URL'>, rootSecret: string): SharedSettings {
  const key = deriveKey(rootSecret, 'settings of nodes')
  const digest = (text: string) => createHmac('sha256', key).update(text).digest('base64url')
  const { bucket, prefix } = BLOBS_URL.startsWith('s3:') ? s3Address(BLOBS_URL) : { bucket: '', prefix: '' }
  return { ROOT_SECRET: digest('ROOT_SECRET'), BLOBS_URL: digest(`BLOBS_URL ${bucket} ${prefix}`) }
}
