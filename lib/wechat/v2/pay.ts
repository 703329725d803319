/** The pay half of the `Wechat` port, over APIv2. */
import type { Failure } from '../../core/failure.ts'
import type { OrderTerms } from '../../core/order.ts'
import { fingerprint } from '../../core/fingerprint.ts'
import { err, ok, type Result } from '../../core/result.ts'
import { toBeijingDigits } from '../../core/time.ts'
import type { OrderAtWechat, OrderReference, PaymentArguments, Wechat } from '../../ports.ts'
import { call, type PaySettings } from './call.ts'
import { readNotification, toConfirmation } from './notification.ts'
import { signArguments, type Fields } from './sign.ts'

type Pay = Pick<
  Wechat,
  'placeOrder' | 'askOrder' | 'closeOrder' | 'prepayKey' | 'signPayment' | 'readNotification'
>

export function createPay(settings: PaySettings, newNonce: () => string): Pay {
  return {
    async placeOrder(terms) {
      const answer = await call(settings, newNonce, '/pay/unifiedorder', unifiedOrder(terms))
      if (!answer.ok) return answer
      const { value } = answer
      switch (value.kind) {
        case 'success': {
          const prepayId = value.fields.get('prepay_id') ?? ''
          return prepayId === ''
            ? err({ reason: 'wechat_untrusted', check: 'content' })
            : ok({ outcome: 'placed', prepayId })
        }
        case 'paid':
        case 'closed':
          return ok({ outcome: value.kind })
        case 'number_taken':
          return ok({ outcome: 'number_taken', code: value.code, text: value.text })
        case 'missing':
        case 'not_now':
          return err({ reason: 'wechat_refused', code: value.code, text: value.text })
      }
    },

    async askOrder(order) {
      const by: Fields = new Map(
        'outTradeNo' in order
          ? [['out_trade_no', order.outTradeNo]]
          : [['transaction_id', order.transactionId]],
      )
      const answer = await call(settings, newNonce, '/pay/orderquery', by)
      if (!answer.ok) return answer
      const { value } = answer
      if (value.kind === 'success') return readState(value.fields, order)
      if (value.kind === 'missing' || value.kind === 'closed') return ok({ state: value.kind })
      return err({ reason: 'wechat_refused', code: value.code, text: value.text })
    },

    async closeOrder(outTradeNo) {
      const answer = await call(
        settings,
        newNonce,
        '/pay/closeorder',
        new Map([['out_trade_no', outTradeNo]]),
      )
      // WeChat does not close in an order's first five minutes, and has published no code for that: a refusal of any
      // kind means "not now", and the order query that follows says what is so.
      if (!answer.ok) return answer.error.reason === 'wechat_refused' ? ok('not_now') : answer
      switch (answer.value.kind) {
        case 'success':
        case 'closed':
          return ok('closed')
        case 'paid':
        case 'missing':
          return ok(answer.value.kind)
        case 'number_taken':
        case 'not_now':
          return ok('not_now')
      }
    },

    // With two keys nothing kept is good: only a call tells which one WeChat goes by, and a button under the wrong one is
    // refused on the phone, where nobody learns of it.
    prepayKey: (terms) =>
      fingerprint([
        settings.appid,
        settings.mchId,
        settings.signType,
        ...(settings.otherKey === undefined ? [] : [newNonce()]),
        ...unifiedOrder(terms),
      ]),

    signPayment(prepayId, at): PaymentArguments {
      const args = {
        appId: settings.appid,
        timeStamp: String(Math.floor(at.getTime() / 1000)),
        nonceStr: newNonce(),
        package: `prepay_id=${prepayId}`,
        signType: settings.signType,
      }
      return { ...args, paySign: signArguments(args, settings.key) }
    },

    readNotification: (bytes) => readNotification(settings, bytes),
  }
}

/** Everything of the unified order that must be identical on every repetition; only nonce and signature differ. */
function unifiedOrder(terms: OrderTerms): Fields {
  return new Map([
    ['body', terms.body],
    ...(terms.attach === null ? [] : [['attach', terms.attach] as const]),
    ['out_trade_no', terms.outTradeNo],
    ['fee_type', 'CNY'],
    ['total_fee', String(terms.totalFee)],
    ['spbill_create_ip', terms.clientIp],
    ['time_start', toBeijingDigits(terms.createdAt)],
    ['time_expire', toBeijingDigits(terms.timeExpire)],
    ['notify_url', terms.notifyUrl],
    ['trade_type', 'JSAPI'],
    ['openid', terms.openid],
  ])
}

/** States of other products mean "not paid, ask again". */
function readState(fields: Fields, asked: OrderReference): Result<OrderAtWechat, Failure> {
  const untrusted = err({ reason: 'wechat_untrusted', check: 'content' } as const)
  if ('outTradeNo' in asked && fields.get('out_trade_no') !== asked.outTradeNo) return untrusted
  const tradeState = fields.get('trade_state')
  switch (tradeState) {
    case undefined:
    case '':
      return untrusted
    case 'SUCCESS':
    case 'REFUND': {
      const confirmation = toConfirmation(fields)
      if (confirmation === null) return untrusted
      if ('transactionId' in asked && confirmation.transactionId !== asked.transactionId)
        return untrusted
      return ok({ state: tradeState === 'REFUND' ? 'refunded' : 'paid', confirmation })
    }
    case 'CLOSED':
      return ok({ state: 'closed' })
    default:
      return ok({ state: 'open' })
  }
}
