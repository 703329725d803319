/** The signature of an event, by the Standard Webhooks specification. */
import { createHmac } from 'node:crypto'
import type { Signed } from './feed.ts'

/** @returns null if the event is not signed */
export function findWebhookSignature(
  headers: Readonly<Record<string, string>>,
  body: string,
  secret: string,
): Signed | null {
  const { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': signature } = headers
  if (signature === undefined) return null
  const text = `${id}.${at}.${body}`
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
  const right = `v1,${createHmac('sha256', key).update(text).digest('base64')}`
  return { text, algorithm: 'HMAC-SHA256', holds: signature.split(' ').includes(right) }
}
