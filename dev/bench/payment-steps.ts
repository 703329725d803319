/**
 * The requests of a payment that have a budget of hops, in an order in which each finds what it
 * needs.
 *
 * WeChat notifies the payment of the first order. The payment of the second one is learned by a
 * query. The simulator must be stopped, or it would notify both.
 */
import * as v from 'valibot'
import { paymentArgumentsSchema } from '../wechat/request-payment.ts'
import type { World } from '../world/world.ts'
import {
  basket,
  fillCatalogue,
  orderAnswer,
  paidAnswer,
  read,
  tokenAnswer,
  toRequest,
} from './client.ts'

/** How many hops each step may take. Requests that are sent in parallel count once. */
export const budgets: readonly (readonly [step: string, hops: number])[] = [
  ['prepay, cached', 1],
  ['prepay, new', 2],
  ['notify, first', 2],
  ['notify, repeated', 1],
  ['query, final', 1],
  ['query, open', 3],
  ['login', 2],
  ['order', 1],
  ['order with prepay', 2],
]

const orderWithPayment = v.object({ order: orderAnswer, payment: paymentArgumentsSchema })
type PaymentArguments = v.InferOutput<typeof paymentArgumentsSchema>

export interface Step {
  readonly name: string
  readonly request: Request
}

/** Yields a request and takes its answer. Requests without a budget are sent here. */
export async function* paymentSteps(world: World): AsyncGenerator<Step, void, Response> {
  const { simulator: wechat, url, env } = world
  if (wechat === undefined) throw new Error('the world has no WeChat')
  const logIn = () => toRequest(`${url}/api/login`, { body: { code: wechat.issueCode() } })
  const placeOrder = (token: string, fields: object = {}) =>
    toRequest(`${url}/api/orders`, { token, body: { ...basket, ...fields } })
  const prepay = (token: string, outTradeNo: string) =>
    toRequest(`${url}/api/prepay`, { token, body: { outTradeNo } })
  const query = (token: string, outTradeNo: string) =>
    toRequest(`${url}/api/query?outTradeNo=${outTradeNo}`, { token })
  const pay = (payment: PaymentArguments) => {
    const outcome = wechat.pay(payment)
    if (outcome.errMsg !== 'requestPayment:ok') throw new Error(outcome.errMsg)
  }
  const notification = (outTradeNo: string) => {
    const due = wechat.notifications().find((one) => one.outTradeNo === outTradeNo)
    if (due === undefined) throw new Error('WeChat has no notification for this order')
    return new Request(`${url}/api/notify`, { method: 'POST', ...wechat.writeNotification(due) })
  }

  await fillCatalogue(url, env.MERCHANT_API_KEY)
  const { token } = await read(tokenAnswer, yield { name: 'login', request: logIn() })
  const { outTradeNo } = await read(
    orderAnswer,
    yield { name: 'order', request: placeOrder(token) },
  )
  yield { name: 'prepay, new', request: prepay(token, outTradeNo) }
  const cached = yield { name: 'prepay, cached', request: prepay(token, outTradeNo) }
  pay(await read(paymentArgumentsSchema, cached))
  await expectAcknowledged(yield { name: 'notify, first', request: notification(outTradeNo) })
  await expectAcknowledged(yield { name: 'notify, repeated', request: notification(outTradeNo) })
  await read(paidAnswer, yield { name: 'query, final', request: query(token, outTradeNo) })

  const other = yield { name: 'order with prepay', request: placeOrder(token, { prepay: true }) }
  const { order, payment } = await read(orderWithPayment, other)
  pay(payment)
  await world.settled()
  await read(paidAnswer, yield { name: 'query, open', request: query(token, order.outTradeNo) })
}

async function expectAcknowledged(answer: Response): Promise<void> {
  const body = await answer.text()
  if (!body.includes('SUCCESS')) throw new Error(body)
}
