import { describeFailure } from '../core/describe-failure.ts'
import type { OutTradeNo } from '../core/ids.ts'
import { ok, type Outcome } from '../core/result.ts'
import type { Deps, PaymentArguments } from '../ports.ts'
import { createGuard } from './guard.ts'
import type { Placed } from './place-order.ts'
import { prepayFound, releaseFound, type PrepayDeps } from './prepay.ts'

export type PlacedWithPayment = Placed & { readonly payment: Outcome<PaymentArguments> }

/**
 * Places an order, and returns what `wx.requestPayment` needs to pay it. The order is stored before
 * WeChat is asked: whatever fails after that, the order is the answer.
 *
 * The look for a `prepay_id` runs beside the statement. A request that is repeated under its key
 * may find an order with another number, and looks again.
 *
 * @param number the number that the order gets if it is new
 */
export async function placeAndPrepay(
  deps: PrepayDeps & Pick<Deps, 'setLogOrder' | 'logBug'>,
  number: OutTradeNo,
  place: () => Promise<Outcome<Placed>>,
): Promise<Outcome<PlacedWithPayment>> {
  const { prepays } = deps.cache
  const looking = prepays.find(number)
  let placed: Outcome<Placed> | undefined
  let isNumber = false
  try {
    placed = await place()
    isNumber = placed.ok && placed.value.order.outTradeNo === number
  } finally {
    if (!isNumber) releaseFound(deps, looking)
  }
  if (!placed.ok) return placed
  const { order } = placed.value
  deps.setLogOrder(order.outTradeNo)
  const payment = await createGuard(deps)(null, () =>
    prepayFound(deps, isNumber ? looking : prepays.find(order.outTradeNo), async () => ok(order)),
  )
  if (!payment.ok) deps.log({ event: 'prepay_failed', ...describeFailure(payment.error) })
  return ok({ ...placed.value, payment })
}
