import { createHash, timingSafeEqual } from 'node:crypto'

/** A fast hash is right here: what it hides has 192 random bits and more. @returns SHA-256 in hex */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}

/** In constant time. */
export function equalSecrets(given: string, expected: string): boolean {
  return timingSafeEqual(Buffer.from(hashSecret(given)), Buffer.from(hashSecret(expected)))
}
