/**
 * Generates `nonce_str`: 32 hex digits, which are 128 random bits. The random bytes are drawn for
 * many of them together, which is faster.
 */
import { randomFillSync } from 'node:crypto'

const NONCE_BYTES = 16
const drawn = Buffer.alloc(256 * NONCE_BYTES)
let used = drawn.length

/** Returns a value that was never returned before. */
export function newNonce(): string {
  if (used === drawn.length) {
    randomFillSync(drawn)
    used = 0
  }
  used += NONCE_BYTES
  return drawn.toString('hex', used - NONCE_BYTES, used)
}
