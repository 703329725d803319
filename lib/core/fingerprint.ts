import { createHash } from 'node:crypto'

/**
 * SHA-256 of the value's JSON, in hex. Use lists, because the order of an object's fields may
 * differ.
 */
export const fingerprint = (value: readonly unknown[]): string =>
  createHash('sha256').update(JSON.stringify(value), 'utf8').digest('hex')
