/** The WeChat app's part in a payment. The control routes of the simulated WeChat do it. */
import * as v from 'valibot'
import { callWorld } from '../call-world.ts'

/** An order at WeChat, as the cashier shows it. */
export interface PrepaidOrder {
  readonly body: string
  /** The amount that WeChat charges, in fen, even if the shop shows another one. */
  readonly totalFee: number
}

export interface CashierRequest {
  readonly timeStamp: string
  readonly nonceStr: string
  readonly package: string
  readonly signType: string
  readonly paySign: string
  readonly openid: string
  readonly payer: 'pays' | 'cancels'
}

const codeSchema = v.object({ code: v.string() })
const outcomeSchema = v.object({ errMsg: v.string() })
const ordersSchema = v.object({
  orders: v.array(
    v.object({
      prepayId: v.string(),
      totalFee: v.number(),
      request: v.record(v.string(), v.string()),
    }),
  ),
})

/** A code as `wx.login` returns it, or null if WeChat does not answer. */
export async function issueLoginCode(openid: string): Promise<string | null> {
  const answer = await callWorld('POST', '/wechat/control/login', codeSchema, { openid })
  return answer.ok ? answer.value.code : null
}

export async function findPrepaidOrder(packageText: string): Promise<PrepaidOrder | null> {
  const answer = await callWorld('GET', '/wechat/control/orders', ordersSchema)
  const order = answer.ok
    ? answer.value.orders.find(({ prepayId }) => packageText === `prepay_id=${prepayId}`)
    : undefined
  if (order === undefined) return null
  const { body, description } = order.request
  return { totalFee: order.totalFee, body: body ?? description ?? '' }
}

/** The `errMsg` of `wx.requestPayment`. */
export async function payAtCashier(request: CashierRequest): Promise<string> {
  const answer = await callWorld('POST', '/wechat/control/pay', outcomeSchema, request)
  return answer.ok ? answer.value.errMsg : 'requestPayment:fail'
}

export async function confirmReceipt(transactionId: string): Promise<boolean> {
  const body = { transaction_id: transactionId }
  return (await callWorld('POST', '/wechat/control/receipt', v.object({}), body)).ok
}
