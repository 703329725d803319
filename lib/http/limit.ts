import type { Caller, User } from '../core/caller.ts'
import { err, ok, type Outcome } from '../core/result.ts'
import type { LimitedCaller, LimitedStep } from '../ports.ts'
import type { Edge } from './edge.ts'
import { networkOf, publicAddress } from './client-address.ts'

/**
 * Refuses a caller who is known to call too often. The report to Redis is sent after the answer. No
 * caller waits for it, so a slow or missing Redis changes nothing.
 */
export function limit(
  edge: Pick<Edge, 'limits' | 'waitUntil'>,
  step: LimitedStep,
  callers: readonly LimitedCaller[],
): Outcome<null> {
  if (callers.length === 0) return ok(null)
  const retryAfterSeconds = edge.limits.secondsLeft(step, callers)
  if (retryAfterSeconds !== null) return err({ reason: 'too_many_requests', retryAfterSeconds })
  edge.waitUntil(() => edge.limits.count(step, callers))
  return ok(null)
}

export const userOf = ({ appid, openid }: User): readonly LimitedCaller[] => [
  { kind: 'user', id: `${appid} ${openid}` },
]

/** Empty without a public address. */
export function addressOf(request: Request): readonly LimitedCaller[] {
  const address = publicAddress(request)
  return address === null ? [] : [{ kind: 'address', id: networkOf(address) }]
}

/** User and address. Empty for the merchant, whose server places all orders from one address. */
export const callersOf = (request: Request, caller: Caller): readonly LimitedCaller[] =>
  caller.kind === 'user' ? [...userOf(caller), ...addressOf(request)] : []
