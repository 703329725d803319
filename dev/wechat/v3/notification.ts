/** Notifications of APIv3: signed JSON with an encrypted resource. */
import { randomBytes } from 'node:crypto'
import { toRfc3339 } from '../beijing.ts'
import type { Fault } from '../faults.ts'
import type { Simulation } from '../simulation.ts'
import type { SimulatedNotification, StoredOrder, StoredRefund } from '../state.ts'
import type { V3 } from './account.ts'
import { encrypt } from './encryption.ts'
import { receivingAccountOf, v3StatusOf } from './refund-description.ts'
import { signText, withOtherValue, type SignedText } from './signature.ts'
import { describeTransaction } from './transaction.ts'

type Event = NonNullable<SimulatedNotification['v3']>

export function queueV3PaymentNotification(simulation: Simulation, order: StoredOrder): void {
  queue(simulation, order.outTradeNo, order.notifyUrl, {
    eventType: 'TRANSACTION.SUCCESS',
    summary: '支付成功',
    originalType: 'transaction',
    plain: describeTransaction(order, simulation.account, simulation.now()),
  })
}

const summaries = {
  SUCCESS: '退款成功',
  ABNORMAL: '退款异常',
  CLOSED: '退款关闭',
  PROCESSING: '退款处理中',
} as const

export function queueV3RefundNotification(
  simulation: Simulation,
  order: StoredOrder,
  refund: StoredRefund,
): void {
  if (refund.notifyUrl === '') return
  const status = v3StatusOf(refund, simulation.now())
  queue(simulation, order.outTradeNo, refund.notifyUrl, {
    eventType: `REFUND.${status}`,
    summary: summaries[status],
    originalType: 'refund',
    plain: {
      mchid: simulation.account.mchId,
      transaction_id: order.payment?.transactionId ?? '',
      out_trade_no: order.outTradeNo,
      refund_id: refund.refundId,
      out_refund_no: refund.outRefundNo,
      refund_status: status,
      ...(status === 'SUCCESS' ? { success_time: toRfc3339(refund.endsAt) } : {}),
      user_received_account: receivingAccountOf(refund),
      amount: {
        total: order.totalFee,
        refund: refund.refundFee,
        payer_total: order.totalFee,
        payer_refund: refund.refundFee,
      },
    },
  })
}

export const queueEchoNotification = (simulation: Simulation, url: string, message: string): void =>
  queue(simulation, '', url, {
    eventType: 'SECURITY_ECHO.SUCCESS',
    summary: '验证成功',
    originalType: 'security',
    plain: { mchid: simulation.account.mchId, echo_message: message },
  })

export type ComplaintAction =
  | 'CREATE_COMPLAINT'
  | 'CONTINUE_COMPLAINT'
  | 'SELLER_REFUND'
  | 'MERCHANT_RESPONSE'
  | 'MERCHANT_CONFIRM_COMPLETE'
  | 'MERCHANT_APPROVE_REFUND'
  | 'MERCHANT_REJECT_REFUND'

/** Nothing is sent unless the merchant has registered a URL for complaints. */
export function queueComplaintNotification(
  simulation: Simulation,
  complaintId: string,
  action: ComplaintAction,
): void {
  const { complaintUrl } = simulation.state
  if (complaintUrl === null) return
  const isNew = action === 'CREATE_COMPLAINT'
  queue(simulation, '', complaintUrl, {
    eventType: isNew ? 'COMPLAINT.CREATE' : 'COMPLAINT.STATE_CHANGE',
    summary: isNew ? '产生新投诉' : '投诉单状态变化',
    originalType: 'complaint',
    plain: { complaint_id: complaintId, action_type: action },
  })
}

function queue(
  { state, now }: Simulation,
  outTradeNo: string,
  url: string,
  event: Pick<Event, 'eventType' | 'summary' | 'originalType'> & { readonly plain: object },
): void {
  const at = now()
  state.notifications.push({
    outTradeNo,
    url,
    signType: 'HMAC-SHA256',
    message: {},
    reqInfo: null,
    v3: {
      ...event,
      id: newId(at),
      createdAt: at,
      sequence: state.notifications.length,
      plain: JSON.stringify(event.plain),
    },
    attempts: [],
    rounds: 0,
    acknowledged: false,
    nextDueAt: at,
  })
}

const newId = (at: number): string =>
  `EV-${toRfc3339(at).replace(/\D/g, '').slice(0, 14)}${randomBytes(7).toString('hex')}`

/** One message of a delivery. */
export interface V3Message extends SignedText {
  /** The others come before the notification, and their answers decide nothing. */
  readonly kind: 'notification' | 'probe' | 'other-event'
}

const PROBE = 'WECHATPAY/SIGNTEST/'

/** The messages of one delivery, as WeChat writes them or as the fault changes them. */
export function writeV3Notification(
  v3: V3,
  event: Event,
  {
    round,
    at,
    fault,
  }: { readonly round: number; readonly at: number; readonly fault: Fault | null },
): readonly V3Message[] {
  const key = v3.keys.forNotification(round)
  // Odd and even deliveries differ, and so do the first deliveries of two notifications.
  const associatedData = (event.sequence + round) % 2 === 0 ? event.originalType : ''
  const write = (written: Event): SignedText => {
    const apiKey = fault?.do === 'wrong-api-key' ? OTHER_API_KEY : v3.apiKey
    const failing = fault?.do === 'err-code' ? failed(written.plain) : written.plain
    const resource = encrypt(apiKey, withOtherValue(failing, fault), associatedData)
    const body = {
      id: written.id,
      create_time: toRfc3339(written.createdAt),
      resource_type: 'encrypt-resource',
      event_type: written.eventType,
      summary: written.summary,
      resource: { original_type: written.originalType, ...resource },
    }
    return signText(v3, key, JSON.stringify(body), at, fault)
  }
  const message = write(event)
  return [
    ...(fault?.do === 'probe' ? [{ ...asProbe(message), kind: 'probe' } as const] : []),
    ...(fault?.do === 'unknown-event'
      ? [{ ...write(unknownEvent(event, at)), kind: 'other-event' } as const]
      : []),
    { ...message, kind: 'notification' },
  ]
}

const OTHER_API_KEY = 'AnotherV3ApiKey00000000000000001'

/** APIv3 notifies no failed payment. An unfinished one in its place must not settle the order. */
const failed = (plain: string): string => plain.replace(/(?<="trade_state":")[A-Z]+/, 'PAYERROR')

const asProbe = ({ body, headers }: SignedText): SignedText => ({
  body,
  headers: {
    ...headers,
    'wechatpay-signature': `${PROBE}${headers['wechatpay-signature']?.slice(PROBE.length) ?? ''}`,
  },
})

const unknownEvent = (event: Event, at: number): Event => ({
  ...event,
  id: newId(at),
  createdAt: at,
  eventType: 'COUPON.USE',
  summary: '代金券核销',
  originalType: 'coupon',
  plain: JSON.stringify({ stock_id: '9836588', coupon_id: '987568584' }),
})
