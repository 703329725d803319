/** Everything WeChat may answer to a refund, and every way in which an answer may get lost. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Unavailable } from '../../lib/core/failure.ts'
import { parseOutRefundNo, parseOutTradeNo } from '../../lib/core/ids.ts'
import { toFen } from '../../lib/core/money.ts'
import type { Deps } from '../../lib/ports.ts'
import { refund } from '../../lib/steps/request-refund.ts'
import { createDeps } from '../../lib/composition.ts'
import { must } from '../support/must.ts'
import { openShop, type Shop } from '../support/shop.ts'

let shop: Shop
let deps: Deps
beforeAll(async () => {
  shop = await openShop()
  await shop.wechat.stop()
  deps = { ...createDeps(process.env) }
})
afterAll(() => shop.close())
afterEach(() => {
  shop.world.faults.database.up()
  shop.wechat.clearFaults()
  shop.wechat.setBalance(null)
})

/** A paid latte, 2800 fen, and a refund of 1000 to be made of it. */
let payer = ''
let order = ''
let number = ''
let count = 0
beforeEach(async () => {
  payer = await shop.logIn()
  order = await shop.placeOrder(payer)
  await shop.pay(payer, order)
  await shop.deliverNotifications()
  number = `R-${(count += 1)}`
})
async function ask(outRefundNo = number): Promise<unknown[]> {
  const body = { outTradeNo: order, outRefundNo, refundFee: 1000 }
  const { status, json } = await shop.call('POST', '/api/refund', { token: shop.merchantKey, body })
  await shop.world.settled()
  return [status, json['code'] ?? json['refundStatus'], json['errCode']]
}
/** Why WeChat does not take it, an empty balance for one, is the merchant's affair. */
const asPayer = async () =>
  (await shop.call('GET', `/api/refund?outRefundNo=${number}`, { token: payer })).json
const draft = (): Parameters<typeof refund>[1] => ({
  outRefundNo: must(parseOutRefundNo(number)),
  outTradeNo: must(parseOutTradeNo(order)),
  refundFee: must(toFen(1000)),
})
/** The order, its refunds and what the merchant was told of them, as `state claimed/refunded: refunds; events`. */
async function books(): Promise<string> {
  const [row] = await shop.sql(
    `select concat(trade_state, ' ', claimed_fee, '/', refunded_fee, ':',
       (select string_agg(concat(' ', refund_status, ' ', err_code), '' order by out_refund_no) from refunds r where r.out_trade_no = o.out_trade_no),
       (select string_agg('; ' || type, '' order by seq) from events e where e.out_trade_no = o.out_trade_no and type like 'refund%')) as text
     from orders o where out_trade_no = $1`,
    [order],
  )
  return String(row?.['text'])
}
const atWechat = () => shop.wechat.refunds().filter(({ outTradeNo }) => outTradeNo === order)
async function cron(): Promise<void> {
  shop.advance(60_000)
  await shop.cron()
}
const DONE = 'REFUND 1000/1000: SUCCESS ; refund.succeeded'
/** Cron asks again until WeChat has paid it out; it is one refund there. */
async function expectRepaired(): Promise<void> {
  await cron()
  await cron()
  expect([await books(), atWechat().length]).toEqual([DONE, 1])
}

describe('a refund that WeChat does not make for now', () => {
  test('for want of money in the balance waits, and is made once the shop has topped it up', async () => {
    shop.wechat.setBalance(999)
    expect(await ask()).toEqual([202, 'PROCESSING', 'NOTENOUGH'])
    await cron()
    expect([await books(), atWechat()]).toEqual(['SUCCESS 1000/0: PROCESSING NOTENOUGH', []])
    shop.wechat.setBalance(1000)
    await expectRepaired()
  })

  test.each([
    'BIZERR_NEED_RETRY',
    'FREQUENCY_LIMITED',
    'INVALID_REQ_TOO_MUCH',
    'ERROR',
    'INVALID_REQUEST',
    'A_CODE_NOBODY_KNOWS',
  ])(
    'over %s waits with its claim, says why, and is made later under its own number',
    async (errCode) => {
      shop.wechat.misbehave({ on: 'refund', do: 'err-code', errCode })
      expect(await ask()).toEqual([202, 'PROCESSING', errCode])
      expect(Object.keys(await asPayer()).filter((name) => name.startsWith('err'))).toEqual([])
      await cron()
      expect([await books(), atWechat()]).toEqual([`SUCCESS 1000/0: PROCESSING ${errCode}`, []])
      shop.wechat.clearFaults()
      await expectRepaired()
    },
  )

  test('over SYSTEMERROR once is asked for again at once', async () => {
    shop.wechat.misbehave({ on: 'refund', do: 'err-code', errCode: 'SYSTEMERROR', times: 1 })
    expect(await ask()).toEqual([202, 'PROCESSING', undefined])
    expect(atWechat()).toHaveLength(1)
  })

  test.each([
    ['SYSTEMERROR', 503, 'wechat_unknown', ''],
    ['NOAUTH', 502, 'wechat_misconfigured', 'NOAUTH'],
    ['SIGNERROR', 502, 'wechat_misconfigured', 'SIGNERROR'],
  ])(
    'over %s for long keeps its claim, says why, and is made once that has ended',
    async (errCode, status, code, why) => {
      shop.wechat.misbehave({ on: 'refund', do: 'err-code', errCode })
      expect(await ask()).toEqual([status, code, undefined])
      expect([await books(), atWechat()]).toEqual([`SUCCESS 1000/0: PROCESSING ${why}`, []])
      shop.wechat.clearFaults()
      await expectRepaired()
    },
  )
})

describe('a refund that WeChat will never make', () => {
  test.each(['TRADE_OVERDUE', 'USER_ACCOUNT_ABNORMAL', 'ORDERNOTEXIST', 'INVALID_TRANSACTIONID'])(
    'over %s is closed, the merchant hears of it, and the money is free for a new number',
    async (errCode) => {
      shop.wechat.misbehave({ on: 'refund', do: 'err-code', errCode, times: 1 })
      expect(await ask()).toEqual([409, 'refund_refused', undefined])
      expect(await books()).toBe(`SUCCESS 0/0: REFUNDCLOSE ${errCode}; refund.failed`)
      expect(await ask()).toEqual([202, 'REFUNDCLOSE', errCode])
      expect(await ask(`${number}-anew`)).toEqual([202, 'PROCESSING', undefined])
      await cron()
      expect(await books()).toBe(
        `REFUND 1000/1000: REFUNDCLOSE ${errCode} SUCCESS ; refund.failed; refund.succeeded`,
      )
    },
  )

  test('that WeChat accepts all the same, asked twice at once, is not lost from the books', async () => {
    // The first is refused while the second, of the same number, is on its way; WeChat then makes it after all.
    const second: Deps['wechat'] = {
      ...deps.wechat,
      sendRefund: async (...message) => {
        const answer = await deps.wechat.sendRefund(...message)
        await deps.refunds.settle(
          message[0],
          { refundStatus: 'REFUNDCLOSE', refundId: null, errCode: 'ORDERNOTEXIST', errText: null },
          new Date(),
        )
        return answer
      },
    }
    await refund({ ...deps, wechat: second }, draft())
    await cron()
    await shop.deliverNotifications()
    const incidents = await shop.sql('select kind from incidents where out_trade_no = $1', [order])
    expect(atWechat().map(({ refundStatus }) => refundStatus)).toEqual(['SUCCESS'])
    // Either the books have it, or a person has been told.
    expect([(await books()).startsWith('REFUND 1000/1000'), incidents.length > 0]).toContain(true)
  })
})

describe('a refund whose answer does not come', () => {
  test.each(['drop', 'lose-answer', 'truncate', 'garble', 'html', 'http-500'] as const)(
    '(%s) keeps its claim; asked again it is one refund, at WeChat too',
    async (fault) => {
      shop.wechat.misbehave({ on: 'refund', do: fault, times: 1 })
      const [status, code] = await ask()
      expect([[503, 'wechat_unknown'].join(), [502, 'wechat_untrusted'].join()]).toContain(
        [status, code].join(),
      )
      expect(await books()).toBe('SUCCESS 1000/0: PROCESSING ')
      expect(await ask()).toEqual([202, 'PROCESSING', undefined])
      expect(atWechat()).toHaveLength(1)
      await expectRepaired()
    },
  )

  test.each([
    'tamper',
    'wrong-key',
    'unsigned',
    'wrong-appid',
    'wrong-mch-id',
    'wrong-amount',
  ] as const)(
    'but a forged one (%s) is not believed, and is made right by asking WeChat',
    async (fault) => {
      shop.wechat.misbehave({ on: 'refund', do: fault, times: 1 })
      expect(await ask()).toEqual([502, 'wechat_untrusted', undefined])
      expect(await books()).toBe('SUCCESS 1000/0: PROCESSING ')
      await expectRepaired()
    },
  )

  test('and of which WeChat says nothing either is not sent a second time meanwhile', async () => {
    shop.wechat.misbehave({ on: 'refund', do: 'lose-answer', times: 1 })
    await ask()
    shop.wechat.misbehave({ on: 'refundquery', do: 'drop' })
    const sent = shop.asked('/secapi/pay/refund')
    expect(await ask()).toEqual([503, 'wechat_unknown', undefined])
    await cron()
    expect([shop.asked('/secapi/pay/refund') - sent, await books()]).toEqual([
      0,
      'SUCCESS 1000/0: PROCESSING ',
    ])
    shop.wechat.clearFaults()
    await expectRepaired()
  })

  test('is told of within eight seconds, though WeChat keeps the line open', async () => {
    shop.wechat.misbehave({ on: 'refund', do: 'stall', times: 1 })
    const startedAt = performance.now()
    expect(await ask()).toEqual([503, 'wechat_unknown', undefined])
    expect(performance.now() - startedAt).toBeLessThan(8_000)
    await expectRepaired()
  })
})

describe('the database goes', () => {
  const dies = () => Promise.reject(new Unavailable('database', null, 'no_answer'))

  test('before anything is claimed: nothing is sent, and the same request works afterwards', async () => {
    shop.world.faults.database.down()
    expect(await ask()).toEqual([503, 'unavailable', undefined])
    shop.world.faults.database.up()
    expect([await books(), atWechat()]).toEqual(['SUCCESS 0/0:', []])
    expect(await ask()).toEqual([202, 'PROCESSING', undefined])
  })

  test('between the claim and its answer: nothing is sent then, and cron makes the refund', async () => {
    const refunds: Deps['refunds'] = {
      ...deps.refunds,
      claim: (...claim) => deps.refunds.claim(...claim).then(dies),
    }
    await expect(refund({ ...deps, refunds }, draft())).rejects.toThrow('database is unavailable')
    expect([await books(), atWechat()]).toEqual(['SUCCESS 1000/0: PROCESSING ', []])
    await expectRepaired()
  })

  test('between WeChat’s yes and our note of it: asked again, or by cron, it is the same refund', async () => {
    await expect(
      refund({ ...deps, refunds: { ...deps.refunds, accepted: dies } }, draft()),
    ).rejects.toThrow('database is unavailable')
    expect([await books(), atWechat().length]).toEqual(['SUCCESS 1000/0: PROCESSING ', 1])
    await expectRepaired()
    expect(await ask()).toEqual([202, 'SUCCESS', undefined])
  })

  test('between WeChat’s no and our note of it: WeChat is asked again, and the no is noted then', async () => {
    shop.wechat.misbehave({ on: 'refund', do: 'err-code', errCode: 'TRADE_OVERDUE', times: 2 })
    await expect(
      refund({ ...deps, refunds: { ...deps.refunds, settle: dies } }, draft()),
    ).rejects.toThrow('database is unavailable')
    await cron()
    expect(await books()).toBe('SUCCESS 0/0: REFUNDCLOSE TRADE_OVERDUE; refund.failed')
  })
})
