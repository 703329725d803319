/**
 * The parts of the pay adapter without requests: signed payments, and the key of a cached
 * prepay_id.
 */
import { describe, expect, test } from 'vitest'
import { parseOpenid, parseOutTradeNo } from '../../../lib/core/ids.ts'
import { toFen } from '../../../lib/core/money.ts'
import type { OrderTerms } from '../../../lib/core/order.ts'
import type { PaySettings } from '../../../lib/wechat/v2/keys.ts'
import { createOrderCalls } from '../../../lib/wechat/v2/pay.ts'
import { theAccount } from '../../support/latte.ts'
import { must } from '../../support/must.ts'
import { demoPay } from '../../support/samples.ts'

const pay = (settings: PaySettings = demoPay) =>
  createOrderCalls({ ...settings, newNonce: () => '5K8264ILTKCH16CQ2502SI8ZNMTM67VS' })

describe('a signed payment', () => {
  const signPayment = (signType: PaySettings['signType'], at: string) =>
    pay({ ...demoPay, signType }).signPayment('wx02030405000000demo00000000000001', new Date(at))

  test('has exactly the arguments of wx.requestPayment, signed with MD5', () => {
    expect(signPayment('MD5', '2025-01-01T19:04:06Z')).toEqual({
      appId: 'wx00000000demo0001',
      timeStamp: '1735758246',
      nonceStr: '5K8264ILTKCH16CQ2502SI8ZNMTM67VS',
      package: 'prepay_id=wx02030405000000demo00000000000001',
      signType: 'MD5',
      paySign: '2D1D489A760B61C92B9D2581B0269573',
    })
  })

  test('is signed with HMAC-SHA256 if the shop is configured so', () => {
    expect(signPayment('HMAC-SHA256', '2025-01-01T19:04:06Z').paySign).toBe(
      'BEC8755EAD4F6609B236CAD7F3C52CA0BBB60233E0AFC2AE54026E016CD8F496',
    )
  })

  test('has a timestamp in whole seconds', () => {
    expect(signPayment('MD5', '2025-01-01T19:04:06.999Z').timeStamp).toBe('1735758246')
  })
})

describe('a cached prepay_id', () => {
  const terms: OrderTerms = {
    outTradeNo: must(parseOutTradeNo('20250102030405000000000000000001')),
    account: theAccount,
    openid: must(parseOpenid('oDemo000000000000000000User1')),
    totalFee: must(toFen(101)),
    body: '示例商城-咖啡',
    attach: null,
    items: null,
    clientIp: '203.0.113.7',
    notifyUrl: 'https://shop.example/api/notify',
    createdAt: new Date('2025-01-01T19:04:05Z'),
    timeExpire: new Date('2025-01-01T21:04:05Z'),
  }

  test('is reused for the same order', () => {
    expect(pay().prepayKey({ ...terms })).toBe(pay().prepayKey(terms))
  })

  test.each([
    ['another order', { outTradeNo: must(parseOutTradeNo('20250102030405000000000000000002')) }],
    ['another payer', { openid: must(parseOpenid('oDemo000000000000000000User2')) }],
    ['another amount', { totalFee: must(toFen(102)) }],
    ['another description', { body: '示例商城-茶' }],
    ['another attachment', { attach: 'table 7' }],
    ['another expiry', { timeExpire: new Date('2025-01-01T21:04:06Z') }],
    ['another notify address', { notifyUrl: 'https://shop2.example/api/notify' }],
  ])('is not reused for %s', (_, change) => {
    expect(pay().prepayKey({ ...terms, ...change })).not.toBe(pay().prepayKey(terms))
  })

  test.each([
    ['Mini Program', { appid: 'wx00000000demo0002' }],
    ['merchant', { mchId: '1900000999' }],
    ['signature type', { signType: 'HMAC-SHA256' }],
  ] as const)('is not reused under another %s', (_, change) => {
    expect(pay({ ...demoPay, ...change }).prepayKey(terms)).not.toBe(pay().prepayKey(terms))
  })
})
