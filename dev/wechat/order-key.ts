/** The ways to name a payment to order and shipping management. */
import * as v from 'valibot'
import { err, ok, type Result } from './result.ts'
import { apiError, type ApiError } from './json-answer.ts'
import { findOrder } from './order.ts'
import type { Simulation } from './simulation.ts'
import type { StoredOrder } from './state.ts'

const text = v.optional(v.string(), '')

export const orderKeySchema = v.optional(
  v.object({
    order_number_type: v.optional(v.number()),
    transaction_id: text,
    mchid: text,
    out_trade_no: text,
  }),
  () => ({}),
)

export type OrderKey = v.InferOutput<typeof orderKeySchema>

const BY_MERCHANT = 1
const BY_WECHAT = 2

/** WeChat publishes the range of these codes, and not which code means which field. */
export function findByOrderKey(
  simulation: Simulation,
  key: OrderKey,
): Result<StoredOrder, ApiError> {
  if (key.order_number_type === BY_WECHAT) {
    return key.transaction_id === ''
      ? err(apiError(268485195))
      : findByTransaction(simulation, key.transaction_id)
  }
  if (key.order_number_type !== BY_MERCHANT) return err(apiError(268485194))
  if (key.mchid === '') return err(apiError(268485196))
  return key.out_trade_no === ''
    ? err(apiError(268485197))
    : findByMerchant(simulation, key.mchid, key.out_trade_no)
}

export const findByTransaction = (
  simulation: Simulation,
  transactionId: string,
): Result<StoredOrder, ApiError> =>
  requireKnown(
    simulation,
    simulation.state.orders.find(({ payment }) => payment?.transactionId === transactionId),
  )

export const findByMerchant = (
  simulation: Simulation,
  mchId: string,
  outTradeNo: string,
): Result<StoredOrder, ApiError> =>
  requireKnown(
    simulation,
    mchId === simulation.account.mchId ? findOrder(simulation.state, outTradeNo) : undefined,
  )

/** Order and shipping management knows a payment only after a delay, and never an unpaid order. */
function requireKnown(
  { state, now }: Simulation,
  order: StoredOrder | undefined,
): Result<StoredOrder, ApiError> {
  const paidAt = order?.payment?.paidAt
  if (
    order === undefined ||
    paidAt === undefined ||
    now() - paidAt < state.settings.shippableAfterMs
  )
    return err(apiError(10060001))
  return ok(order)
}
