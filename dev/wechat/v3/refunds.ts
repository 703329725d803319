/** Starts and queries refunds. */
import * as v from 'valibot'
import { err, ok } from '../result.ts'
import { DEFAULT_REFUND_ACCOUNT, findRefund } from '../refund.ts'
import type { Refusal } from '../refusal.ts'
import { startRefund } from '../start-refund.ts'
import { goods, readBody, text, wholeNumber } from './body.ts'
import type { V3Operation } from './call.ts'
import { checkQuery } from './orders.ts'
import { notifyUrlSchema } from './prepay.ts'
import { describeRefund, RECHARGED } from './refund-description.ts'
import { badParameter, refuse, type V3Refusal } from './refusal.ts'

export const outRefundNo = v.pipe(
  v.string(),
  v.regex(/^[0-9A-Za-z_\-|*@]{1,64}$/, '商户退款单号格式错误'),
)

const refundSchema = v.strictObject({
  transaction_id: v.exactOptional(text(32)),
  out_trade_no: v.exactOptional(text(32)),
  out_refund_no: outRefundNo,
  reason: v.exactOptional(text(80)),
  notify_url: v.exactOptional(notifyUrlSchema),
  funds_account: v.exactOptional(v.picklist(['AVAILABLE', 'UNSETTLED'])),
  amount: v.strictObject({
    refund: wholeNumber(1),
    total: wholeNumber(1),
    currency: v.literal('CNY'),
    from: v.exactOptional(
      v.array(
        v.strictObject({
          account: v.picklist(['AVAILABLE', 'UNAVAILABLE']),
          amount: wholeNumber(1),
        }),
      ),
    ),
  }),
  goods_detail: v.exactOptional(
    goods({ refund_amount: wholeNumber(0), refund_quantity: wholeNumber(1) }),
  ),
})

const DIFFERS = refuse('INVALID_REQUEST', {
  message: '订单金额或退款金额与之前请求不一致，请核实后再试',
})

/** The same number with the same amount and order returns the existing refund in any state. */
export const requestRefund: V3Operation = ({ simulation, incoming, fault }) => {
  const read = readBody(refundSchema, incoming)
  if (!read.ok) return read
  const request = read.value
  const { state } = simulation
  if (request.transaction_id === undefined && request.out_trade_no === undefined)
    return err(badParameter('/out_trade_no', 'transaction_id与out_trade_no二选一'))
  const order = state.orders.find(({ outTradeNo, payment }) =>
    request.transaction_id === undefined
      ? outTradeNo === request.out_trade_no
      : payment?.transactionId === request.transaction_id,
  )
  if (order === undefined || order.payment === null)
    return err(refuse('RESOURCE_NOT_EXISTS', { message: '订单不存在' }))
  if (request.amount.total !== order.totalFee) return err(DIFFERS)
  const known = findRefund(state, (refund) => refund.outRefundNo === request.out_refund_no)
  if (known !== undefined)
    return known.order === order && known.refund.refundFee === request.amount.refund
      ? ok(describeRefund(order, known.refund, simulation.now()))
      : err(DIFFERS)
  const started = startRefund(simulation, order, {
    outRefundNo: request.out_refund_no,
    refundFee: request.amount.refund,
    refundAccount: request.funds_account === 'AVAILABLE' ? RECHARGED : DEFAULT_REFUND_ACCOUNT,
    requestSource: 'API',
    api: 'v3',
    notifyUrl: request.notify_url ?? order.notifyUrl,
    endsAs: fault?.do === 'end-as' ? fault.status : 'SUCCESS',
  })
  return started.ok
    ? ok(describeRefund(order, started.value, simulation.now()))
    : err(translate(started.error))
}

const codes: ReadonlyMap<string, string> = new Map([
  ['FREQUENCY_LIMITED', 'FREQUENCY_LIMITED'],
  ['NOTENOUGH', 'NOT_ENOUGH'],
])

const translate = ({ code, text: message }: Refusal): V3Refusal =>
  refuse(codes.get(code) ?? 'INVALID_REQUEST', { message })

export const queryRefund: V3Operation = ({ simulation, incoming }) => {
  const refused = checkQuery(incoming.url, {}, {})
  if (refused !== null) return err(refused)
  const number = incoming.params['out_refund_no'] ?? ''
  const found = findRefund(simulation.state, (refund) => refund.outRefundNo === number)
  return found === undefined
    ? err(refuse('RESOURCE_NOT_EXISTS', { message: '退款单不存在' }))
    : ok(describeRefund(found.order, found.refund, simulation.now()))
}
