import { createHash } from 'node:crypto'

/** SHA-256 over the JSON of a value, hex: equal exactly when that JSON is. Lists, not objects: their order is certain. */
export const fingerprint = (value: readonly unknown[]): string =>
  createHash('sha256').update(JSON.stringify(value), 'utf8').digest('hex')
