import type { Failure } from '../core/failure.ts'
import { newOutTradeNo, parseOutRefundNo } from '../core/ids.ts'
import type { Result } from '../core/result.ts'
import type { Deps } from '../ports.ts'

type Probe = Pick<Deps, 'wechat' | 'clock' | 'randomBytes'>

/** Asks about an order that was never placed. If WeChat works, it answers that it does not know this order. */
export const probeOrders = ({
  wechat,
  clock,
  randomBytes,
}: Probe): Promise<Result<unknown, Failure>> =>
  wechat.askOrder({ outTradeNo: newOutTradeNo(clock.now(), randomBytes(9)) })

/** The same for a refund that was never requested: the two queries of WeChat fail separately. */
export async function probeRefunds({
  wechat,
  clock,
  randomBytes,
}: Probe): Promise<Result<unknown, Failure>> {
  const outRefundNo = parseOutRefundNo(newOutTradeNo(clock.now(), randomBytes(9)))
  if (!outRefundNo.ok) throw new Error('an order number that cannot be a refund number')
  return wechat.askRefund(outRefundNo.value)
}
