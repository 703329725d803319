/** Refund notifications carry no signature: whatever one says, only WeChat's own answer counts. */
import { createCipheriv, createHash } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { parseOutRefundNo, parseOutTradeNo } from '../../lib/core/ids.ts'
import { toFen } from '../../lib/core/money.ts'
import type { Deps } from '../../lib/ports.ts'
import { refund } from '../../lib/steps/request-refund.ts'
import { writeXml } from '../../lib/wechat/v2/xml.ts'
import { createDeps } from '../../lib/composition.ts'
import { must } from '../support/must.ts'
import { askForRefund, paidOrder, refundBooks } from '../support/refund-desk.ts'
import { openShop, type Shop } from '../support/shop.ts'

let shop: Shop
let deps: Deps
beforeAll(async () => {
  shop = await openShop()
  await shop.wechat.stop()
  deps = { ...createDeps(process.env) }
})
afterAll(() => shop.close())
afterEach(() => shop.wechat.clearFaults())

/** A paid latte, 2800 fen, and a refund of 1000 of it. */
let order = ''
let number = ''
let count = 0
beforeEach(async () => {
  order = await paidOrder(shop)
  number = `R-${(count += 1)}`
})
const ask = (outRefundNo = number, refundFee = 1000) =>
  askForRefund(shop, order, outRefundNo, refundFee)
const books = (outTradeNo = order) => refundBooks(shop, outTradeNo)
/** Time enough for WeChat to pay out. */
const paidOut = () => shop.advance(3_000)
/** WeChat calls, a first time or again. */
async function wechatCalls(): Promise<unknown> {
  shop.advance(15_000)
  await shop.deliverNotifications()
  return shop.wechat
    .notifications()
    .findLast(({ outTradeNo, reqInfo }) => outTradeNo === order && reqInfo !== null)?.acknowledged
}
function lock(plain: string, key = shop.world.env.WECHAT_PAY_KEY): string {
  const cipher = createCipheriv(
    'aes-256-ecb',
    createHash('md5').update(key, 'utf8').digest('hex'),
    null,
  )
  return Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]).toString('base64')
}
const news = (changes: Record<string, string> = {}): string => {
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
/** The message around what is locked away; the code it is acknowledged with. */
async function sent(reqInfo: string, changes: Record<string, string> = {}): Promise<string> {
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
const DONE = 'REFUND 1000/1000: SUCCESS; refund.succeeded'

describe('a forged notice', () => {
  beforeEach(async () => expect(await ask()).toEqual([202, 'PROCESSING']))
  const forgeries: readonly (readonly [name: string, forge: () => Promise<string>])[] = [
    ['that is garbage', () => sent('bm90IGEgcmVmdW5k')],
    ['that is empty', () => sent('')],
    ['that is no Base64', () => sent('<>')],
    ['locked with another key', () => sent(lock(news(), 'AnotherMerchantsKey0000000000001'))],
    ['that is no XML inside', () => sent(lock('refunded'))],
    ['with a DOCTYPE inside', () => sent(lock(`<!DOCTYPE root [<!ENTITY x "y">]>${news()}`))],
    [
      'with a field told twice',
      () => sent(lock(news().replace('</root>', '<refund_status>CHANGE</refund_status></root>'))),
    ],
    ['of no outcome', () => sent(lock(news({ refund_status: 'PAID' })))],
    ['that it was paid out', () => sent(lock(news()))],
    ['that it was closed', () => sent(lock(news({ refund_status: 'REFUNDCLOSE' })))],
    ['that it was paid out, of another amount', () => sent(lock(news({ refund_fee: '2800' })))],
    [
      'of a refund nobody asked for',
      () => sent(lock(news({ out_refund_no: `${number}-invented` }))),
    ],
    [
      'of a refund of an order nobody placed',
      () => sent(lock(news({ out_refund_no: `${number}-x`, out_trade_no: 'NOBODYS-ORDER' }))),
    ],
    [
      'whose numbers are none',
      () => sent(lock(news({ out_refund_no: '退款', out_trade_no: "' or 1=1" }))),
    ],
  ]
  test.each(forgeries)('%s changes nothing and is answered FAIL', async (_, forge) => {
    expect(await forge()).toBe('FAIL')
    expect(await books()).toBe(PROCESSING)
  })

  test.each([
    ['of another Mini Program', { appid: 'wx00000000other001' }],
    ['of another merchant', { mch_id: '1900009999' }],
    ['with a made-up signature', { sign: 'F3C135BE1274C01317ED2F1C7002967B' }],
  ])(
    '%s is not even worth asking WeChat about, true or not',
    async (_, changes: Record<string, string>) => {
      paidOut()
      const before = shop.asked('/pay/refundquery')
      expect([
        await sent(lock(news()), changes),
        shop.asked('/pay/refundquery') - before,
        await books(),
      ]).toEqual(['FAIL', 0, PROCESSING])
    },
  )

  test('that it is on its way still is harmless', async () => {
    await sent(lock(news({ refund_status: 'PROCESSING' })))
    expect(await books()).toBe(PROCESSING)
  })

  test('that turns out to be true counts by WeChat’s own word: its amount, its status', async () => {
    paidOut()
    expect(await sent(lock(news({ refund_status: 'REFUNDCLOSE', refund_fee: '1' })))).toBe('FAIL')
    expect(await books()).toBe(DONE)
    expect(await sent(lock(news({ refund_fee: '2800' })))).toBe('SUCCESS')
    expect(await books()).toBe(DONE)
  })

  test('cannot move a console refund of one order to another', async () => {
    const other = await paidOrder(shop)
    const { outRefundNo } = shop.wechat.refundInConsole(other, 500)
    expect(await sent(lock(news({ out_refund_no: outRefundNo })))).toBe('FAIL')
    expect([await books(), await books(other)]).toEqual([PROCESSING, 'SUCCESS 0/0:'])
  })
})

describe('a genuine notice', () => {
  test('told fifteen times at once, and again, pays out once', async () => {
    await ask()
    paidOut()
    shop.wechat.misbehave({ on: 'notify', do: 'repeat', copies: 15, times: 1 })
    expect(await wechatCalls()).toBe(true)
    expect([await sent(lock(news())), await books()]).toEqual(['SUCCESS', DONE])
  })

  test('that comes before WeChat’s answer to us is not undone by that answer', async () => {
    const sendRefund: Deps['wechat']['sendRefund'] = async (...message) => {
      const answer = await deps.wechat.sendRefund(...message)
      paidOut()
      expect(await wechatCalls()).toBe(true)
      return answer
    }
    const draft = {
      outTradeNo: must(parseOutTradeNo(order)),
      outRefundNo: must(parseOutRefundNo(number)),
      refundFee: must(toFen(1000)),
    }
    const made = must(await refund({ ...deps, wechat: { ...deps.wechat, sendRefund } }, draft))
    expect([made.refundStatus, await books()]).toEqual(['SUCCESS', DONE])
  })

  test.each(['drop', 'lose-answer', 'garble', 'tamper', 'wrong-key', 'html', 'truncate'] as const)(
    'that is lost or spoilt on its way (%s) comes again, and pays out once',
    async (fault) => {
      await ask()
      paidOut()
      shop.wechat.misbehave({ on: 'notify', do: fault, times: 1 })
      await wechatCalls()
      await wechatCalls()
      expect([await wechatCalls(), await books()]).toEqual([true, DONE])
    },
  )

  test.each([
    'drop',
    'lose-answer',
    'html',
    'wrong-key',
    'unsigned',
    'tamper',
    'wrong-mch-id',
  ] as const)(
    'is not taken while WeChat does not confirm it (%s), and is when WeChat calls again',
    async (fault) => {
      await ask()
      paidOut()
      shop.wechat.misbehave({ on: 'refundquery', do: fault })
      expect([await wechatCalls(), await books()]).toEqual([false, PROCESSING])
      shop.wechat.clearFaults()
      expect([await wechatCalls(), await books()]).toEqual([true, DONE])
    },
  )

  test('whose amount WeChat confirms otherwise, rightly signed, is kept for a person and not taken', async () => {
    await ask()
    paidOut()
    shop.wechat.misbehave({ on: 'refundquery', do: 'wrong-amount' })
    expect([await wechatCalls(), await books()]).toEqual([false, `${PROCESSING}; payment.incident`])
    expect([await wechatCalls(), await books()]).toEqual([false, `${PROCESSING}; payment.incident`])
    shop.wechat.clearFaults()
    expect([await wechatCalls(), await books()]).toEqual([
      true,
      'REFUND 1000/1000: SUCCESS; payment.incident; refund.succeeded',
    ])
  })

  test('of a refund that will not happen frees the money, and the merchant hears of it once', async () => {
    shop.wechat.misbehave({ on: 'refund', do: 'end-as', status: 'REFUNDCLOSE', times: 1 })
    await ask()
    paidOut()
    expect([await wechatCalls(), await books()]).toEqual([
      true,
      'REFUND 0/0: REFUNDCLOSE; refund.failed',
    ])
    expect(await ask(`${number}-anew`, 2800)).toEqual([202, 'PROCESSING'])
    paidOut()
    expect([await wechatCalls(), await books()]).toEqual([
      true,
      'REFUND 2800/2800: REFUNDCLOSE SUCCESS; refund.failed; refund.succeeded',
    ])
  })
})
