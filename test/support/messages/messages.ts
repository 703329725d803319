/** The notifications of WeChat in the mode under test, and the acknowledgements of the shop. */
import { randomInt } from 'node:crypto'
import { protocol } from '../mode.ts'
import type { Shop } from '../shop.ts'
import type { Message, PaymentFacts, RefundFacts, Signer } from './message.ts'
import { v2 } from './v2.ts'
import { v3 } from './v3.ts'

const writer = protocol === 'v3' ? v3 : v2

export const { TAKEN, REFUSED, NOT_NOW, TOO_LARGE } = writer.acknowledgements
export const { withSignatureOf } = writer

/** WeChat's shape of a payment number: 28 digits. */
export const newTransactionId = (): string =>
  `420000999920250102${String(randomInt(10 ** 10)).padStart(10, '0')}`

/** The order's payer at WeChat; a made-up one if WeChat does not know the order. */
const payerOf = (shop: Shop, outTradeNo: string): string =>
  shop.wechat.orders().find((order) => order.outTradeNo === outTradeNo)?.openid ??
  'oDemo000000000000000000User1'

/** A payment of one latte. */
export const paymentFacts = (
  shop: Shop,
  outTradeNo: string,
  changes: Partial<PaymentFacts> = {},
): PaymentFacts => ({
  appid: shop.world.env.WECHAT_APPID,
  mchId: shop.world.env.WECHAT_MCH_ID,
  outTradeNo,
  transactionId: newTransactionId(),
  payer: payerOf(shop, outTradeNo),
  totalFee: 2800,
  cashFee: 2800,
  feeType: 'CNY',
  bankType: 'OTHERS',
  attach: null,
  paidAt: new Date(),
  isPaid: true,
  ...changes,
})

/** A payment notification for an order of one latte, signed by WeChat unless `signer` says more. */
export const paymentMessage = (
  shop: Shop,
  outTradeNo: string,
  changes: Partial<PaymentFacts> = {},
  signer: Signer = 'WeChat',
): Message => writer.payment(shop, paymentFacts(shop, outTradeNo, changes), signer)

type NamedRefund = Pick<RefundFacts, 'outTradeNo' | 'outRefundNo'> & Partial<RefundFacts>

/** The notification of a refund of one latte, as WeChat writes it unless `signer` says more. */
export const refundMessage = (shop: Shop, facts: NamedRefund, signer: Signer = 'WeChat'): Message =>
  writer.refund(
    shop,
    {
      appid: shop.world.env.WECHAT_APPID,
      mchId: shop.world.env.WECHAT_MCH_ID,
      transactionId: transactionOf(shop, String(facts.outTradeNo)),
      refundId: '50300002502025010200000000001',
      refundFee: 2800,
      totalFee: 2800,
      refundStatus: 'SUCCESS',
      refundedAt: new Date(),
      ...facts,
    },
    signer,
  )

/** The message that WeChat sends for an order paid there. */
export function sentMessage(shop: Shop, outTradeNo: string): Message {
  const sent = shop.wechat.notifications().find((one) => one.outTradeNo === outTradeNo)
  if (sent === undefined) throw new Error(`WeChat has no notification for ${outTradeNo}`)
  return writer.sent(shop, sent)
}

/** WeChat's payment number of an order paid there. */
export function transactionOf(shop: Shop, outTradeNo: string): string {
  const payment = shop.wechat.orders().find((order) => order.outTradeNo === outTradeNo)?.payment
  if (payment === null || payment === undefined)
    throw new Error(`${outTradeNo} is not paid at WeChat`)
  return payment.transactionId
}
