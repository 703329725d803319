import * as v from 'valibot'
import { err, ok } from './result.ts'
import { apiError } from './json-answer.ts'
import type { JsonOperation } from './json-call.ts'
import { findByMerchant, findByTransaction } from './order-key.ts'
import { orderStateOf, SHIPPED } from './shipment.ts'

const text = v.optional(v.string(), '')
const bodySchema = v.object({
  transaction_id: text,
  merchant_id: text,
  merchant_trade_no: text,
  received_time: v.optional(v.unknown()),
})

const EXPRESS = 1

/** The carrier has delivered an order: WeChat asks its payer once to confirm the receipt. */
export const notifyConfirmReceive: JsonOperation = (simulation, body) => {
  const parsed = v.safeParse(bodySchema, body)
  if (!parsed.success) return err(apiError(10060014))
  const { transaction_id, merchant_id, merchant_trade_no, received_time } = parsed.output
  const found =
    transaction_id === ''
      ? findByMerchant(simulation, merchant_id, merchant_trade_no)
      : findByTransaction(simulation, transaction_id)
  if (!found.ok) return found
  const order = found.value
  const { shipment } = order
  const now = simulation.now()
  if (shipment === null || orderStateOf(order, now, simulation.state.settings) !== SHIPPED)
    return err(apiError(10060028))
  if (shipment.logisticsType !== EXPRESS) return err(apiError(10060032))
  if (shipment.isReceiptReported) return err(apiError(10060030))
  const isTime =
    typeof received_time === 'number' &&
    Number.isInteger(received_time) &&
    received_time * 1000 > shipment.uploadedAt - 1000 &&
    received_time * 1000 <= now
  if (!isTime) return err(apiError(10060029))
  order.shipment = { ...shipment, isReceiptReported: true }
  return ok({})
}
