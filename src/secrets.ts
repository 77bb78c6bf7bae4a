import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

const SecretsFile = z.object({ rootSecret: z.string().min(32), adminToken: z.string().min(16) })

export type Secrets = {
  /** All of our own token keys are derived from it. */
  rootSecret: string
  /** The administrator's bearer. */
  adminToken: string
}

/**
 * The secrets of this installation: given ones first, else those of `secrets.json` in the data
 * folder (mode 0600), which is made at the first start.
 */
export function loadSecrets(
  dataDir: string,
  given: { ROOT_SECRET?: string | undefined; ADMIN_TOKEN?: string | undefined },
): Secrets {
  const stored =
    given.ROOT_SECRET !== undefined && given.ADMIN_TOKEN !== undefined ? undefined : storedSecrets(dataDir)
  return {
    rootSecret: given.ROOT_SECRET ?? stored?.rootSecret ?? '',
    adminToken: given.ADMIN_TOKEN ?? stored?.adminToken ?? '',
  }
}

function storedSecrets(dataDir: string): Secrets {
  const path = join(dataDir, 'secrets.json')
  const existing = readIfThere(path)
  if (existing !== undefined) return SecretsFile.parse(JSON.parse(existing))

  mkdirSync(dataDir, { recursive: true })
  const made = {
    rootSecret: randomBytes(48).toString('base64url'),
    adminToken: randomBytes(32).toString('base64url'),
  }
  const temporary = `${path}.${process.pid}`
  writeFileSync(temporary, JSON.stringify(made, null, 2), { mode: 0o600, flush: true })
  renameSync(temporary, path)
  syncFolder(dataDir)
  return made
}

/** A new name survives a power cut only with its folder. */
function syncFolder(path: string): void {
  const folder = openSync(path, 'r')
  fsyncSync(folder)
  closeSync(folder)
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

/** One independent 256-bit key a purpose. Source: RFC 5869 (HKDF). */
export function deriveKey(rootSecret: string, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', rootSecret, 'docs-connector', purpose, 32))
}

/** Keeps text unreadable in the database: AES-256-GCM (NIST SP 800-38D) under a key derived for one purpose. */
export function createSeal(rootSecret: string, purpose: string) {
  const key = deriveKey(rootSecret, `seal:${purpose}`)
  return {
    close(text: string): string {
      const nonce = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', key, nonce)
      const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
      return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64')
    },
    open(sealed: string): string {
      const bytes = Buffer.from(sealed, 'base64')
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12))
      decipher.setAuthTag(bytes.subarray(12, 28))
      return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8')
    },
  }
}
