import type { CacheFile } from './files.ts'

/** Files of final saves that the host has refused, by key; nothing ever re-sends them. */
export type ForgottenFile = { bytes: Buffer; fileType: string; storedAt: Date }

export function forgottenCacheFile(key: string, { bytes, fileType, storedAt }: ForgottenFile): CacheFile {
  return { path: `forgotten/${key}/output.${fileType}`, bytes, storedAt }
}
