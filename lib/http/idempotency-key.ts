import { err, ok, type Outcome } from '../core/result.ts'

export const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/

/** Reads the `Idempotency-Key` header. Null without the header. */
export function readIdempotencyKey(request: Request): Outcome<string | null> {
  const key = request.headers.get('idempotency-key')
  if (key === null || IDEMPOTENCY_KEY.test(key)) return ok(key)
  return err({
    reason: 'invalid_request',
    field: 'Idempotency-Key',
    expected: '1 to 255 printable characters',
  })
}
