import type { Caller, User } from '../core/caller.ts'
import type { Outcome } from '../core/failure.ts'
import { err, ok } from '../core/result.ts'
import type { Deps, LimitedCaller, LimitedStep } from '../ports.ts'
import { networkOf, publicAddress } from './client-address.ts'

/**
 * Refuses a call of somebody who is known to call too often, before anything else is asked of
 * anybody.
 *
 * Nobody waits for the count: it runs beside the request, and what it learns refuses the next one.
 * The call that goes over is itself still served, and so are those already under way. In return an
 * honest caller never pays a round trip for it, and Redis gone, slow or silent changes nothing.
 */
export function limit(
  deps: Pick<Deps, 'limits' | 'waitUntil'>,
  step: LimitedStep,
  callers: readonly LimitedCaller[],
): Outcome<null> {
  if (callers.length === 0) return ok(null)
  const retryAfterSeconds = deps.limits.secondsLeft(step, callers)
  if (retryAfterSeconds !== null) return err({ reason: 'too_many_requests', retryAfterSeconds })
  deps.waitUntil(() => deps.limits.count(step, callers))
  return ok(null)
}

export const userOf = ({ appid, openid }: User): readonly LimitedCaller[] => [
  { kind: 'user', id: `${appid} ${openid}` },
]

/** Nobody, without a public address. */
export function addressOf(request: Request): readonly LimitedCaller[] {
  const address = publicAddress(request)
  return address === null ? [] : [{ kind: 'address', id: networkOf(address) }]
}

/**
 * User and address. Nobody for the merchant, whose server places everybody's orders from one
 * address.
 */
export const callersOf = (request: Request, caller: Caller): readonly LimitedCaller[] =>
  caller.kind === 'user' ? [...userOf(caller), ...addressOf(request)] : []
