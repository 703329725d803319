/** The cashier on the payer's device, which `wx.requestPayment` opens. */
import { randomInt } from 'node:crypto'
import * as v from 'valibot'
import { toBeijingDigits } from './beijing.ts'
import { isSigned } from './signature.ts'
import { queuePaymentNotification } from './notification.ts'
import { isExpired, PREPAY_LIFE_MS, tradeStateOf } from './order.ts'
import { OPENID_MISMATCH } from './refusal.ts'
import type { Simulation } from './simulation.ts'
import type { StoredOrder } from './state.ts'
import { isPaymentSignature } from './v3/signature.ts'

export const NOT_PREPAYS = 'this is not what /api/prepay answered'
const BAD_SIGNATURE = '支付验证签名失败'
const argument = v.string(NOT_PREPAYS)

export const paymentArgumentsSchema = v.object({
  /** The client signs with its own appid. If one is given here, it must be the same. */
  appId: v.optional(argument),
  timeStamp: argument,
  nonceStr: argument,
  package: argument,
  signType: v.optional(argument),
  paySign: argument,
})

export type PaymentArguments = v.InferInput<typeof paymentArgumentsSchema>

export interface PayOutcome {
  readonly errMsg:
    | 'requestPayment:ok'
    | 'requestPayment:fail cancel'
    | `requestPayment:fail ${string}`
}

/** The decision of the payer when the cashier opens. */
export type Payer = 'pays' | 'cancels'

/**
 * A page may stay open as long as its `prepay_id` is valid. A time ahead of WeChat's clock is clock
 * skew only.
 */
const OLDEST_MS = PREPAY_LIFE_MS
const NEWEST_MS = 5 * 60_000

/**
 * Checks the second signature and the order, then pays if the payer pays. On success WeChat will
 * notify the payment.
 */
export function requestPayment(
  simulation: Simulation,
  args: PaymentArguments,
  openid: string | undefined,
  payer: Payer,
): PayOutcome {
  const prepayId = /^prepay_id=(.*)$/.exec(args.package)?.[1]
  if (prepayId === undefined) return fail(BAD_SIGNATURE)
  const order = simulation.state.orders.find((candidate) => candidate.prepayId === prepayId)
  if (order === undefined || (args.appId ?? simulation.account.appid) !== simulation.account.appid)
    return fail('缺少参数 total_fee')
  const problem =
    findBadSignature(simulation, args, order) ??
    findUnpayable(simulation.now(), order, openid ?? order.openid)
  if (problem !== null) return fail(problem)
  if (payer === 'cancels') return fail('cancel')
  const paidAt = simulation.now()
  order.payment = { transactionId: newTransactionId(paidAt), paidAt, bankType: 'OTHERS' }
  queuePaymentNotification(simulation, order)
  return { errMsg: 'requestPayment:ok' }
}

const fail = (text: string): PayOutcome => ({ errMsg: `requestPayment:fail ${text}` })

function findBadSignature(
  { account, v3, now }: Simulation,
  args: PaymentArguments,
  order: StoredOrder,
): string | null {
  const age = now() - Number(args.timeStamp) * 1000
  const timely = /^\d{10}$/.test(args.timeStamp) && age <= OLDEST_MS && age >= -NEWEST_MS
  const signType = args.signType ?? 'MD5'
  if (order.signType === 'RSA') {
    const fields = [account.appid, args.timeStamp, args.nonceStr, args.package] as const
    const isRight =
      signType === 'RSA' &&
      v3 !== null &&
      isPaymentSignature(v3.merchant.publicKey, fields, args.paySign)
    return timely && isRight && isNonce(args.nonceStr) ? null : BAD_SIGNATURE
  }
  const message = new Map([
    ['appId', account.appid],
    ['timeStamp', args.timeStamp],
    ['nonceStr', args.nonceStr],
    ['package', args.package],
    ['signType', signType],
    ['sign', args.paySign],
  ])
  const right = signType === order.signType && isSigned(message, account.payKey, order.signType)
  return timely && right && isNonce(args.nonceStr) ? null : BAD_SIGNATURE
}

const isNonce = (text: string): boolean => /^[0-9A-Za-z]{1,32}$/.test(text)

function findUnpayable(now: number, order: StoredOrder, openid: string): string | null {
  if (openid !== order.openid) return OPENID_MISMATCH
  if (order.payment !== null) return '订单已支付'
  if (tradeStateOf(order, now) === 'CLOSED') return '订单失效'
  return isExpired(order, now) || now - order.prepaidAt >= PREPAY_LIFE_MS ? '该订单已过期' : null
}

const newTransactionId = (now: number): string =>
  `4200002500${toBeijingDigits(now).slice(0, 8)}${String(randomInt(10 ** 10)).padStart(10, '0')}`
