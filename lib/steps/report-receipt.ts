import type { OutTradeNo } from '../core/ids.ts'
import { isPaid } from '../core/order.ts'
import { err, ok, type Outcome } from '../core/result.ts'
import type { Deps } from '../ports.ts'
import { withAccessToken } from './with-access-token.ts'

export interface Receipt {
  readonly outTradeNo: OutTradeNo
  readonly receivedAt: Date
}

/**
 * Reports to WeChat that the carrier has delivered an express order. WeChat then asks the payer to
 * confirm the receipt, and confirms it itself after some days.
 */
export async function reportReceipt(
  deps: Pick<Deps, 'ledger' | 'miniProgram' | 'cache' | 'clock' | 'waitUntil'>,
  receipt: Receipt,
): Promise<Outcome<Receipt>> {
  const order = await deps.ledger.find({ outTradeNo: receipt.outTradeNo })
  if (order === null) return err({ reason: 'order_not_found' })
  if (!isPaid(order)) return err({ reason: 'order_not_paid' })
  const { appid } = order.account
  const answer = await withAccessToken(deps, appid, (token) =>
    deps.miniProgram(appid).reportReceipt(token, order, receipt.receivedAt),
  )
  if (!answer.ok) return answer
  if (answer.value.outcome === 'reported') return ok(receipt)
  const { code, remedy, text } = answer.value
  return err({ reason: 'shipping_refused', code, remedy, text })
}
