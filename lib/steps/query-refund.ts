import { maySee, type Caller } from '../core/caller.ts'
import type { OutRefundNo } from '../core/ids.ts'
import { isFinalRefund, type Refund } from '../core/refund.ts'
import { err, ok, type Outcome } from '../core/result.ts'
import type { Deps } from '../ports.ts'
import { refreshRefund, type RefundDeps } from './refresh-refund.ts'

/**
 * Returns a refund. WeChat is asked first unless the refund is final. Payers see only their own.
 */
export async function queryRefund(
  deps: RefundDeps & Pick<Deps, 'setLogOrder'>,
  caller: Caller,
  outRefundNo: OutRefundNo,
): Promise<Outcome<Refund>> {
  const stored = await deps.refunds.find(outRefundNo)
  if (stored === null) return err({ reason: 'refund_not_found' })
  deps.setLogOrder(stored.outTradeNo)
  if (!maySee(caller, stored.payment)) return err({ reason: 'refund_not_found' })
  return isFinalRefund(stored) ? ok(stored) : refreshRefund(deps, stored)
}
