/** Checks the signature of a pushed message, which is in its query. */
import { hash, timingSafeEqual } from 'node:crypto'
import type { MessageCheck } from '../../core/failure.ts'

/** An older message may be a replay. One from the future could be replayed later. */
const WINDOW_MS = 5 * 60_000

/**
 * Returns the first check that the message fails; null if it passes all of them.
 *
 * `signature` covers the token, the time and the nonce, but not the body. With an encrypted body
 * `msg_signature` covers all of these.
 *
 * Source: developers.weixin.qq.com, message-push
 *
 * @param encrypted the field `Encrypt` of the body; null if the body is plain
 */
export function verifySignature(
  token: string,
  query: URLSearchParams,
  encrypted: string | null,
  now: Date,
): Extract<MessageCheck, 'signature' | 'time'> | null {
  const [timestamp, nonce] = [query.get('timestamp') ?? '', query.get('nonce') ?? '']
  const signed = [token, timestamp, nonce, ...(encrypted === null ? [] : [encrypted])]
  const given = query.get(encrypted === null ? 'signature' : 'msg_signature') ?? ''
  if (!isEqual(given, signatureOf(signed))) return 'signature'
  if (!/^\d{1,11}$/.test(timestamp)) return 'time'
  return Math.abs(now.getTime() - Number(timestamp) * 1000) < WINDOW_MS ? null : 'time'
}

/** Hex SHA-1 of the parts, sorted as strings and joined. */
export const signatureOf = (parts: readonly string[]): string =>
  hash('sha1', parts.toSorted().join(''), 'hex')

/** Takes the same time wherever the texts differ. */
function isEqual(given: string, expected: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(expected)]
  return one.byteLength === other.byteLength && timingSafeEqual(one, other)
}
