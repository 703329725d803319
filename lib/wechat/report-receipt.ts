/**
 * Reports that the carrier has delivered an order: WeChat then asks the payer to confirm the
 * receipt.
 *
 * Source: developers.weixin.qq.com, business-capabilities/order-shipping, notify_confirm_receive
 */
import * as v from 'valibot'
import type { Failure } from '../core/failure.ts'
import type { PaidOrder } from '../core/order.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { ReceiptAnswer } from '../ports.ts'
import type { MiniProgramSettings } from './login.ts'
import { outcome, postJson } from './post-json.ts'
import { cleanRefusalText } from './refusal-text.ts'
import { tokenFailure, TOKEN_REFUSED } from './token-codes.ts'

const ALREADY_REPORTED = 10060030

const remedies: ReadonlyMap<number, string> = new Map([
  [10060001, 'WeChat does not know the payment yet: send the request again in a few minutes'],
  [10060028, 'the order is not shipped at WeChat, or its receipt is confirmed already'],
  [10060029, 'receivedAt must be later than the shipment, and not in the future'],
  [10060031, 'the order does not belong to this payer: it was placed under another appid'],
  [10060032, 'only the delivery of an express order can be reported'],
])

export async function reportReceipt(
  { host }: MiniProgramSettings,
  token: string,
  { transactionId }: PaidOrder,
  receivedAt: Date,
): Promise<Result<ReceiptAnswer, Failure>> {
  const answer = await postJson(
    {
      host,
      path: '/wxa/sec/order/notify_confirm_receive',
      query: `?access_token=${encodeURIComponent(token)}`,
      // WeChat refuses a second report, which counts as reported.
      isRepeatable: true,
    },
    { transaction_id: transactionId, received_time: Math.floor(receivedAt.getTime() / 1_000) },
    v.object(outcome),
  )
  if (!answer.ok) return answer
  const { errcode, errmsg } = answer.value
  if (errcode === 0 || errcode === ALREADY_REPORTED) return ok({ outcome: 'reported' })
  const code = String(errcode)
  const text = cleanRefusalText(errmsg, [token])
  if (TOKEN_REFUSED.includes(errcode))
    return ok({ outcome: 'token_refused', code, text, remedy: 'send the request again' })
  const remedy = remedies.get(errcode)
  return remedy === undefined
    ? err(tokenFailure(errcode, text))
    : ok({ outcome: 'refused', code, remedy, text })
}
