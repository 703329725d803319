import { NOT_SHIPPED } from '../../lib/core/settlement.ts'
import { describe, expect, test } from 'vitest'
import { maySee } from '../../lib/core/caller.ts'
import { parseOpenid, parseOutTradeNo } from '../../lib/core/ids.ts'
import { toFen } from '../../lib/core/money.ts'
import { isPaid, toOrderView, type Order, type OrderTerms } from '../../lib/core/order.ts'
import { theAccount } from '../support/latte.ts'
import { must } from '../support/must.ts'

const alice = must(parseOpenid('oDemo000000000000000000User1'))
const bob = must(parseOpenid('oDemo000000000000000000User2'))
const terms: OrderTerms = {
  outTradeNo: must(parseOutTradeNo('20250102030405000000000000000001')),
  account: theAccount,
  openid: alice,
  totalFee: must(toFen(101)),
  body: '示例商城-咖啡',
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
const open: Order = { ...terms, tradeState: 'NOTPAY' }
const closed: Order = { ...terms, tradeState: 'CLOSED', closedAtWechat: false }
const paid: Order = { ...terms, tradeState: 'SUCCESS', ...payment }
const refunded: Order = { ...terms, tradeState: 'REFUND', ...payment, refundedFee: 50 }

const shown = {
  outTradeNo: '20250102030405000000000000000001',
  totalFee: 101,
  body: '示例商城-咖啡',
  createdAt: '2025-01-02T03:04:05+08:00',
  timeExpire: '2025-01-02T05:04:05+08:00',
}

describe('the view of an order for its payer and the merchant', () => {
  test('shows the amount and when the order expires', () => {
    expect(toOrderView(open)).toStrictEqual({ ...shown, tradeState: 'NOTPAY' })
  })

  test('does not show whether a closed order is closed at WeChat', () => {
    expect(toOrderView(closed)).toStrictEqual({ ...shown, tradeState: 'CLOSED' })
  })

  test('shows when the order was paid and the number of the payment', () => {
    expect(toOrderView(paid)).toStrictEqual({
      ...shown,
      tradeState: 'SUCCESS',
      transactionId: '4200002500202501020000000001',
      paidAt: '2025-01-02T03:05:01+08:00',
    })
  })

  test('shows the refunded amount', () => {
    expect(toOrderView(refunded)).toMatchObject({
      tradeState: 'REFUND',
      totalFee: 101,
      refundedFee: 50,
    })
  })

  test('shows the items and the attach of an order that has them', () => {
    const items = [{ sku: 'latte', name: '拿铁', price: must(toFen(101)), quantity: 1 }]
    expect(toOrderView({ ...open, items, attach: 'table 7' })).toMatchObject({
      items,
      attach: 'table 7',
    })
  })

  test.each([open, closed, paid, refunded])(
    'in state $tradeState shows neither the payer’s address nor the notify address',
    (order) => {
      expect(JSON.stringify(toOrderView(order))).not.toMatch(/203\.0\.113\.7|notify|openid|oDemo/i)
    },
  )
})

describe('an order that is', () => {
  test.each([
    ['NOTPAY', 'is not paid', open, false],
    ['CLOSED', 'is not paid', closed, false],
    ['SUCCESS', 'is paid', paid, true],
    ['REFUND', 'is paid', refunded, true],
  ] as const)('%s %s', (_, __, order, expected) => {
    expect(isPaid(order)).toBe(expected)
  })
})

describe('an order may be seen', () => {
  test.each([
    ['by its payer', { kind: 'user', appid: theAccount.appid, openid: alice }, true],
    ['not by another payer', { kind: 'user', appid: theAccount.appid, openid: bob }, false],
    [
      'not by the same openid of another app',
      { kind: 'user', appid: 'wx00000000demo0002', openid: alice },
      false,
    ],
    ["by the merchant's own system", { kind: 'merchant' }, true],
    ['not by the cron job', { kind: 'cron' }, false],
  ] as const)('%s', (_, caller, expected) => {
    expect(maySee(caller, open)).toBe(expected)
  })
})
