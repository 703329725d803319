/** `nonce_str`, 32 hex digits of 128 random bits: drawn many at a time, for a draw costs more than the signature it goes into. */
import { randomFillSync } from 'node:crypto'

const NONCE_BYTES = 16
const drawn = Buffer.alloc(256 * NONCE_BYTES)
let used = drawn.length

/** Never the same twice: what was given out is not given again. */
export function newNonce(): string {
  if (used === drawn.length) {
    randomFillSync(drawn)
    used = 0
  }
  used += NONCE_BYTES
  return drawn.toString('hex', used - NONCE_BYTES, used)
}
