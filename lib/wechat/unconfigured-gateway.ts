import type { Failure } from '../core/failure.ts'
import { err } from '../core/result.ts'
import type { PayGateway } from '../ports.ts'

/**
 * The gateway of an account that this deployment has no settings for: every call fails, and nothing
 * is sent.
 */
export function createUnconfiguredGateway(
  failure: Extract<Failure, { reason: 'not_configured' }>,
): PayGateway {
  const fail = () => Promise.resolve(err(failure))
  return {
    placeOrder: fail,
    queryOrder: fail,
    findPayment: fail,
    closeOrder: fail,
    // No `prepay_id` is cached under this key.
    prepayKey: async () => '',
    signPayment: async () => {
      throw new Error('no order can be placed under this account')
    },
    checkRefundSettings: fail,
    sendRefund: fail,
    checkPayoutSettings: fail,
    payOutRefund: fail,
    queryRefund: fail,
    listRefunds: fail,
    probe: fail,
    readBill: async function* () {
      yield err(failure)
    },
    isReachable: () => Promise.resolve(false),
  }
}
