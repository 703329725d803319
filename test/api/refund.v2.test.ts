/** A refund of v2 needs a client certificate, and its payout is made in the merchant console. */
import { describe, expect, test, vi } from 'vitest'
import { demoCertificate } from '../../dev/world/demo-values.ts'
import {
  claimedOf,
  codeOf,
  find,
  openRefundingShop,
  paidOrder,
  requestRefund,
  sentTo,
  shop,
  waitUntilPaidOut,
} from '../support/refunding.ts'
import { textOf } from '../support/shop.ts'

/**
 * A key that belongs to no account, made with
 * `openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt`.
 */
const OTHER_KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgthwxLcT6EIcOPjRd
QDI5S6kTKr4YMH2G59CODK8YGqShRANCAAQOuv6+RMdZbeDpEJyY8/gi3xNz4Vj2
tU1ynJ0Lw8p0gNW1a2bjB0zmM+rdmAHoU85wAyXkQRyBLnb4g9bAKAgx
-----END PRIVATE KEY-----`

openRefundingShop()

/** These tests run first, because an instance reads its certificate only once. */
describe('a shop without a valid certificate', () => {
  test.each([
    [
      'neither certificate nor key',
      { WECHAT_PAY_CERT: '', WECHAT_PAY_CERT_KEY: '' },
      'WECHAT_PAY_CERT',
    ],
    ['no certificate', { WECHAT_PAY_CERT: '' }, 'WECHAT_PAY_CERT'],
    ['no key', { WECHAT_PAY_CERT_KEY: '' }, 'WECHAT_PAY_CERT_KEY'],
    [
      'certificate and key swapped',
      { WECHAT_PAY_CERT: demoCertificate.WECHAT_PAY_CERT_KEY },
      'WECHAT_PAY_CERT',
    ],
    ['a key of another certificate', { WECHAT_PAY_CERT_KEY: OTHER_KEY }, 'WECHAT_PAY_CERT_KEY'],
  ])(
    'that has %s gets the name of the variable, and nothing is claimed or sent',
    async (_, env: Record<string, string>, variable) => {
      const { outTradeNo } = await paidOrder()
      for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
      const answer = await requestRefund({
        outTradeNo,
        outRefundNo: 'R-UNCONFIGURED',
        refundFee: 100,
      })
      expect(codeOf(answer)).toEqual([503, 'not_configured'])
      expect(textOf(answer.json, 'detail')).toMatch(
        new RegExp(`^The environment variable ${variable} `),
      )
      expect(answer.text).not.toMatch(/BEGIN|MIG/)
      expect([await claimedOf(outTradeNo), sentTo('R-UNCONFIGURED').length]).toEqual([0, 0])
      expect(codeOf(await find('R-UNCONFIGURED'))).toEqual([404, 'refund_not_found'])
    },
  )
})

describe('the payout of an abnormal refund', () => {
  const CARD = {
    type: 'user_bank_card',
    bankType: 'CMB_DEBIT',
    bankAccount: '6225880137706868',
    realName: '阿卜杜拉·买买提江',
  }
  const abnormalRefund = async (outRefundNo: string) => {
    const { outTradeNo } = await paidOrder()
    const body = { outTradeNo, outRefundNo, refundFee: 100 }
    shop.wechat.misbehave({ on: 'refund', do: 'end-as', status: 'CHANGE', times: 1 })
    await requestRefund(body)
    await waitUntilPaidOut()
    return body
  }

  test('of an order of APIv2 names the page of the merchant console, and changes nothing', async () => {
    const body = await abnormalRefund('R-PAYOUT')
    for (const payout of [CARD, { type: 'merchant_bank_card' }]) {
      const answer = await requestRefund({ ...body, payout })
      expect(codeOf(answer)).toEqual([409, 'payout_in_console_only'])
      expect(answer.json['detail']).toContain('Transaction Center (交易中心)')
    }
    expect((await find('R-PAYOUT')).json).toMatchObject({ refundStatus: 'CHANGE' })
    expect(
      await shop.sql('select payout_requested_at from refunds where out_refund_no = $1', [
        'R-PAYOUT',
      ]),
    ).toEqual([{ payout_requested_at: null }])
  })
})
