import { fingerprint } from '../core/fingerprint.ts'
import type { Incident } from '../ports.ts'

/**
 * PostgreSQL cannot index a text of more than 2,704 bytes, and a message can be longer. An ordinary
 * fingerprint has about 150 characters.
 */
const LONGEST_FINGERPRINT = 500

/**
 * The same contradiction has the same fingerprint on every channel. Only long ones are hashed, so
 * that incidents of earlier versions keep theirs.
 */
export function incidentFingerprint(
  kind: string,
  outTradeNo: string | null,
  received: Incident['received'],
): string {
  const text = JSON.stringify([kind, outTradeNo, received])
  return text.length > LONGEST_FINGERPRINT ? fingerprint([kind, outTradeNo, received]) : text
}
