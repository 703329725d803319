/** Refund notifications of v2 are not signed, so only WeChat's answer to a query counts. */
import { createCipheriv, createHash } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { writeXml } from '../../lib/wechat/xml.ts'
import {
  deliverRefundNotification,
  paidOrder,
  requestRefund,
  summariseRefunds,
} from '../support/refunds.ts'
import { openShop, type Shop } from '../support/shop.ts'

let shop: Shop
beforeAll(async () => {
  shop = await openShop()
  await shop.wechat.stop()
})
afterAll(() => shop.close())
afterEach(() => shop.wechat.clearFaults())

/** A paid order of 2800 fen, and the number of a refund of 1000. */
let order = ''
let number = ''
let count = 0
beforeEach(async () => {
  order = await paidOrder(shop)
  number = `R-${(count += 1)}`
})
const sendRequest = () => requestRefund(shop, order, number, 1000)
const ledger = (outTradeNo = order) => summariseRefunds(shop, outTradeNo)
/** Advances the clock until WeChat has paid the refund out. */
const waitUntilPaidOut = () => shop.advance(3_000)
const deliverNotification = () => deliverRefundNotification(shop, order)
function encrypt(plain: string, key = shop.world.env.WECHAT_PAY_KEY): string {
  const cipher = createCipheriv(
    'aes-256-ecb',
    createHash('md5').update(key, 'utf8').digest('hex'),
    null,
  )
  return Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]).toString('base64')
}
const refundInfo = (changes: Record<string, string> = {}): string => {
  const fields = {
    out_refund_no: number,
    out_trade_no: order,
    refund_id: '50300002502025010200000000001',
    refund_fee: '1000',
    refund_status: 'SUCCESS',
  }
  return writeXml(new Map(Object.entries({ ...fields, ...changes }))).replaceAll(
    /(<\/?)xml>/g,
    '$1root>',
  )
}
/** Sends a notification with this encrypted part; returns the acknowledged code. */
async function notify(reqInfo: string, changes: Record<string, string> = {}): Promise<string> {
  const { WECHAT_APPID, WECHAT_MCH_ID } = shop.world.env
  const fields = {
    return_code: 'SUCCESS',
    appid: WECHAT_APPID,
    mch_id: WECHAT_MCH_ID,
    nonce_str: 'a1b2',
    req_info: reqInfo,
    ...changes,
  }
  const { code } = await shop.notify(writeXml(new Map(Object.entries(fields))))
  await shop.world.settled()
  return code
}
const PROCESSING = 'REFUND 1000/0: PROCESSING'
const DONE = 'REFUND 1000/1000: SUCCESS → refund.succeeded'

describe('a forged refund notification', () => {
  beforeEach(async () => expect(await sendRequest()).toEqual([202, 'PROCESSING']))
  const forgeries: readonly (readonly [name: string, forge: () => Promise<string>])[] = [
    ['that is garbage', () => notify('bm90IGEgcmVmdW5k')],
    ['that is empty', () => notify('')],
    ['that is not Base64', () => notify('<>')],
    [
      'encrypted with another key',
      () => notify(encrypt(refundInfo(), 'AnotherMerchantsKey0000000000001')),
    ],
    ['that contains no XML', () => notify(encrypt('refunded'))],
    [
      'that contains a DOCTYPE',
      () => notify(encrypt(`<!DOCTYPE root [<!ENTITY x "y">]>${refundInfo()}`)),
    ],
    [
      'with a repeated field',
      () =>
        notify(
          encrypt(refundInfo().replace('</root>', '<refund_status>CHANGE</refund_status></root>')),
        ),
    ],
    ['with an unknown status', () => notify(encrypt(refundInfo({ refund_status: 'PAID' })))],
    ['of a success', () => notify(encrypt(refundInfo()))],
    ['of a closed refund', () => notify(encrypt(refundInfo({ refund_status: 'REFUNDCLOSE' })))],
    ['of a success with another amount', () => notify(encrypt(refundInfo({ refund_fee: '2800' })))],
    [
      'of an unknown refund',
      () => notify(encrypt(refundInfo({ out_refund_no: `${number}-invented` }))),
    ],
    [
      'of a refund of an unknown order',
      () =>
        notify(
          encrypt(refundInfo({ out_refund_no: `${number}-x`, out_trade_no: 'UNKNOWN-ORDER' })),
        ),
    ],
    [
      'with invalid numbers',
      () => notify(encrypt(refundInfo({ out_refund_no: '退款', out_trade_no: "' or 1=1" }))),
    ],
  ]
  test.each(forgeries)('%s changes nothing and is answered FAIL', async (_, forge) => {
    expect(await forge()).toBe('FAIL')
    expect(await ledger()).toBe(PROCESSING)
  })

  test.each([
    ['of another Mini Program', { appid: 'wx00000000other001' }],
    ['of another merchant', { mch_id: '1900009999' }],
    ['with a made-up signature', { sign: 'F3C135BE1274C01317ED2F1C7002967B' }],
  ])(
    '%s is refused without a query, whether it is true or not',
    async (_, changes: Record<string, string>) => {
      waitUntilPaidOut()
      const before = shop.calls('query refund').length
      expect([
        await notify(encrypt(refundInfo()), changes),
        shop.calls('query refund').length - before,
        await ledger(),
      ]).toEqual(['FAIL', 0, PROCESSING])
    },
  )

  test('of PROCESSING changes nothing', async () => {
    await notify(encrypt(refundInfo({ refund_status: 'PROCESSING' })))
    expect(await ledger()).toBe(PROCESSING)
  })

  test('of a refund that did end is settled with the amount and status from WeChat’s answer', async () => {
    waitUntilPaidOut()
    expect(
      await notify(encrypt(refundInfo({ refund_status: 'REFUNDCLOSE', refund_fee: '1' }))),
    ).toBe('FAIL')
    expect(await ledger()).toBe(DONE)
    expect(await notify(encrypt(refundInfo({ refund_fee: '2800' })))).toBe('SUCCESS')
    expect(await ledger()).toBe(DONE)
  })

  test('cannot move a console refund of one order to another', async () => {
    const other = await paidOrder(shop)
    const { outRefundNo } = shop.wechat.refundInConsole(other, 500)
    expect(await notify(encrypt(refundInfo({ out_refund_no: outRefundNo })))).toBe('FAIL')
    expect([await ledger(), await ledger(other)]).toEqual([PROCESSING, 'SUCCESS 0/0:'])
  })
})

describe('a genuine refund notification of v2', () => {
  test.each([
    'drop',
    'lose-answer',
    'html',
    'wrong-key',
    'unsigned',
    'tamper',
    'wrong-mch-id',
  ] as const)(
    'is refused while WeChat does not confirm it (%s), and accepted when WeChat repeats it',
    async (fault) => {
      await sendRequest()
      waitUntilPaidOut()
      shop.wechat.misbehave({ on: 'refundquery', do: fault })
      expect([await deliverNotification(), await ledger()]).toEqual([false, PROCESSING])
      shop.wechat.clearFaults()
      expect([await deliverNotification(), await ledger()]).toEqual([true, DONE])
    },
  )

  test('is refused and becomes an incident if WeChat’s signed answer has another amount', async () => {
    await sendRequest()
    waitUntilPaidOut()
    shop.wechat.misbehave({ on: 'refundquery', do: 'wrong-amount' })
    expect([await deliverNotification(), await ledger()]).toEqual([
      false,
      `${PROCESSING} → payment.incident`,
    ])
    expect([await deliverNotification(), await ledger()]).toEqual([
      false,
      `${PROCESSING} → payment.incident`,
    ])
    shop.wechat.clearFaults()
    expect([await deliverNotification(), await ledger()]).toEqual([
      true,
      'REFUND 1000/1000: SUCCESS → payment.incident → refund.succeeded',
    ])
  })
})
