/**
 * An order of one latte for 28 yuan in each of its states, and the confirmation of its payment, for
 * tests of steps without a world.
 */
import type { Account } from '../../lib/core/account.ts'
import { NOT_SHIPPED } from '../../lib/core/settlement.ts'
import { confirm } from '../../lib/core/confirmation.ts'
import { parseOpenid, parseOutTradeNo } from '../../lib/core/ids.ts'
import { toFen, type Fen } from '../../lib/core/money.ts'
import type { Order, OrderTerms, PaidOrder } from '../../lib/core/order.ts'
import { must } from './must.ts'

export const fen = (amount: number): Fen => must(toFen(amount))

/** The account of the local world. */
export const theAccount: Account = {
  appid: 'wx00000000demo0001',
  mchId: '1900000109',
  protocol: 'v2',
  sub: null,
}

const terms: OrderTerms = {
  outTradeNo: must(parseOutTradeNo('LATTE-000001')),
  account: theAccount,
  openid: must(parseOpenid('oDemo000000000000000000User1')),
  totalFee: fen(2800),
  body: 'Demo Store - Latte',
  attach: null,
  items: null,
  clientIp: '203.0.113.7',
  notifyUrl: 'https://shop.example/api/notify',
  createdAt: new Date('2025-01-01T19:04:05Z'),
  timeExpire: new Date('2025-01-01T21:04:05Z'),
}
const payment = {
  transactionId: '4200002500202501020000000001',
  paidAt: new Date('2025-01-01T19:05:01Z'),
  refundedFee: 0,
  shippingState: null,
  settlement: NOT_SHIPPED,
}

export const openOrder: Order = { ...terms, tradeState: 'NOTPAY' }
export const closedOrder: Order = { ...terms, tradeState: 'CLOSED', closedAtWechat: false }
export const paidOrder: PaidOrder = { ...terms, ...payment, tradeState: 'SUCCESS' }
export const refundedOrder: PaidOrder = {
  ...terms,
  ...payment,
  tradeState: 'REFUND',
  refundedFee: 2800,
}

export const theConfirmation = confirm({
  outTradeNo: 'LATTE-000001',
  transactionId: '4200002500202501020000000001',
  totalFee: fen(2800),
  feeType: 'CNY',
  cashFee: 2800,
  bankType: 'OTHERS',
  openid: 'oDemo000000000000000000User1',
  paidAt: new Date('2025-01-01T19:05:01Z'),
})
