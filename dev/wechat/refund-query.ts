import { err, ok, type Result } from './result.ts'
import type { Fields } from './signature.ts'
import { toBeijingText } from './beijing.ts'
import type { Operation } from './envelope.ts'
import { isRefundNumber } from './field-rules.ts'
import { findNamedOrder } from './find-order.ts'
import { findRefund, RECEIVING_ACCOUNT, refundStatusOf, type RefundOfOrder } from './refund.ts'
import { malformed, refusal, type Refusal } from './refusal.ts'
import type { State, StoredOrder, StoredRefund } from './state.ts'

const PAGE = 10

/** Returns the state of one refund, or ten refunds of an order from `offset` on. */
export const refundQuery: Operation = (simulation, request) => {
  const found = find(simulation.state, request)
  if (!found.ok) return found
  const { order, refunds, total } = found.value
  const now = simulation.now()
  return ok([
    ['transaction_id', order.payment?.transactionId ?? ''],
    ['out_trade_no', order.outTradeNo],
    ['total_fee', String(order.totalFee)],
    ['cash_fee', String(order.totalFee)],
    ['fee_type', 'CNY'],
    ['total_refund_count', total],
    ['refund_count', String(refunds.length)],
    ...refunds.flatMap((refund, index) =>
      describe(refund, now).map(([name, value]) => [`${name}_${index}`, value] as const),
    ),
  ])
}

interface Found {
  readonly order: StoredOrder
  readonly refunds: readonly StoredRefund[]
  /** Empty if the request names one refund. */
  readonly total: string
}

/** The most specific number decides, and the others are ignored. */
function find(state: State, request: Fields): Result<Found, Refusal> {
  const refundId = request.get('refund_id')
  if (refundId !== undefined) {
    if (!/^\d{1,32}$/.test(refundId)) return err(malformed('refund_id'))
    return single(findRefund(state, (refund) => refund.refundId === refundId))
  }
  const outRefundNo = request.get('out_refund_no')
  if (outRefundNo !== undefined) {
    if (!isRefundNumber(outRefundNo)) return err(malformed('out_refund_no'))
    return single(findRefund(state, (refund) => refund.outRefundNo === outRefundNo))
  }
  const order = findNamedOrder(state, request)
  if (!order.ok)
    return order.error.code === 'ORDERNOTEXIST' ? err(refusal('REFUNDNOTEXIST')) : order
  return page(order.value, request.get('offset') ?? '0')
}

const single = (found: RefundOfOrder | undefined): Result<Found, Refusal> =>
  found === undefined
    ? err(refusal('REFUNDNOTEXIST'))
    : ok({ order: found.order, refunds: [found.refund], total: '' })

function page(order: StoredOrder, offset: string): Result<Found, Refusal> {
  const count = order.refunds.length
  if (count === 0) return err(refusal('REFUNDNOTEXIST'))
  if (!/^\d{1,4}$/.test(offset) || Number(offset) >= count) return err(malformed('offset'))
  return ok({
    order,
    refunds: order.refunds.slice(Number(offset), Number(offset) + PAGE),
    total: String(count),
  })
}

function describe(refund: StoredRefund, now: number): readonly (readonly [string, string])[] {
  const status = refundStatusOf(refund, now)
  return [
    ['out_refund_no', refund.outRefundNo],
    ['refund_id', refund.refundId],
    ['refund_channel', 'ORIGINAL'],
    ['refund_fee', String(refund.refundFee)],
    ['refund_status', status],
    ['refund_account', refund.refundAccount],
    // WeChat's spelling.
    ['refund_recv_accout', RECEIVING_ACCOUNT],
    ...(status === 'SUCCESS'
      ? [['refund_success_time', toBeijingText(refund.endsAt)] as const]
      : []),
  ]
}
