/** The pages of the Mini Program that WeChat opens for an order. */
import * as v from 'valibot'
import { apiError } from './json-answer.ts'
import type { JsonOperation } from './json-call.ts'
import { findOrder } from './order.ts'
import { err, ok } from './result.ts'
import type { Simulation } from './simulation.ts'

/** WeChat replaces it by the order number of the merchant. */
const ORDER_NUMBER = '${商品订单号}'
const LONGEST_PATH = 512

const bodySchema = v.object({
  path: v.pipe(v.string(), v.nonEmpty(), v.maxLength(LONGEST_PATH), v.regex(/^[^/\s]/)),
})

/** Sets the page that the buyer's orders in WeChat (购物订单) open. */
export const updateOrderPage: JsonOperation = ({ state }, body) => {
  if (!state.settings.orderCentreAgreed) return err(apiError(10060034))
  const parsed = v.safeParse(bodySchema, body)
  if (!parsed.success || !parsed.output.path.includes(ORDER_NUMBER)) return err(apiError(10060035))
  state.orderPage = parsed.output.path
  return ok({})
}

export const getOrderPage: JsonOperation = ({ state }) =>
  state.settings.orderCentreAgreed ? ok({ path: state.orderPage }) : err(apiError(10060034))

/** Sets the page that WeChat's messages about shipping open. */
export const setShippingPage: JsonOperation = ({ state }, body) => {
  const parsed = v.safeParse(bodySchema, body)
  if (!parsed.success) return err(apiError(10060014))
  state.shippingPage = parsed.output.path
  return ok({})
}

/**
 * The pages with their queries, as WeChat opens them for an order. Empty: not set.
 *
 * @throws TypeError if the order is not paid
 */
export function pagesOf(
  { account, state }: Simulation,
  outTradeNo: string,
): { readonly ofOrders: string; readonly ofShipping: string } {
  const order = findOrder(state, outTradeNo)
  if (order === undefined || order.payment === null)
    throw new TypeError('WeChat shows only orders that are paid')
  const numbers = new URLSearchParams({
    transaction_id: order.payment.transactionId,
    merchant_id: account.mchId,
    merchant_trade_no: outTradeNo,
  })
  return {
    ofOrders: state.orderPage.replace(ORDER_NUMBER, outTradeNo),
    ofShipping: state.shippingPage === '' ? '' : `${state.shippingPage}?${numbers.toString()}`,
  }
}
