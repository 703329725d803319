import * as v from 'valibot'
import type { Simulation } from '../simulation.ts'
import { findOrder } from '../order.ts'
import type { PushFields } from './write-push.ts'

/** The account that the messages are sent to, as WeChat names it. */
const RECEIVER = 'gh_0000demo0000'
const SOMEONE = 'oDemo0000000000000000Pusher'

/** One event to push. With an order number its fields name that order. */
export const pushedEventSchema = v.strictObject({
  event: v.pipe(v.string(), v.nonEmpty('must be the name of an event')),
  outTradeNo: v.exactOptional(v.string('must be the number of an order')),
  /** Further fields, or other values. */
  fields: v.exactOptional(v.record(v.string(), v.union([v.string(), v.number()]))),
})

export type PushedEvent = v.InferOutput<typeof pushedEventSchema>

const seconds = (ms: number): number => Math.floor(ms / 1000)

/** Queues the message. @throws TypeError if the order is not paid, or message push is not set up */
export function queuePush(
  simulation: Simulation,
  { event, outTradeNo, fields = {} }: PushedEvent,
): void {
  const { account, state, now } = simulation
  if (account.push === undefined)
    throw new TypeError('this simulator has no settings of message push')
  const about = outTradeNo === undefined ? null : describeOrder(simulation, outTradeNo)
  state.pushes.push({
    fields: {
      ToUserName: RECEIVER,
      FromUserName: SOMEONE,
      CreateTime: seconds(now()),
      MsgType: 'event',
      Event: event,
      ...about,
      ...fields,
    },
    attempts: [],
    rounds: 0,
    acknowledged: false,
    nextDueAt: now(),
  })
}

function describeOrder({ account, state }: Simulation, outTradeNo: string): PushFields {
  const order = findOrder(state, outTradeNo)
  if (order === undefined || order.payment === null)
    throw new TypeError('an event needs an order that is paid')
  return {
    FromUserName: order.openid,
    transaction_id: order.payment.transactionId,
    merchant_id: account.mchId,
    sub_merchant_id: '',
    merchant_trade_no: outTradeNo,
    pay_time: seconds(order.payment.paidAt),
  }
}
