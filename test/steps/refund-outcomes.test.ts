/** Every answer that WeChat may give to a refund, and every way to lose it. */
import { withGateway } from '../support/with-gateway.ts'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Unavailable } from '../../lib/core/failure.ts'
import { parseOutRefundNo, parseOutTradeNo } from '../../lib/core/ids.ts'
import { toFen } from '../../lib/core/money.ts'
import type { Deps } from '../../lib/ports.ts'
import { refund } from '../../lib/steps/request-refund.ts'
import { createInstance } from '../../lib/composition.ts'
import { inProtocol, protocol } from '../support/mode.ts'
import { must } from '../support/must.ts'
import { openShop, type Shop } from '../support/shop.ts'

let shop: Shop
let deps: Deps
beforeAll(async () => {
  shop = await openShop()
  await shop.wechat.stop()
  deps = { ...createInstance(process.env).deps }
})
afterAll(() => shop.close())
afterEach(() => {
  shop.world.faults.database.up()
  shop.wechat.clearFaults()
  shop.wechat.setBalance(null)
})

/** A paid order of 2800 fen, and the number of a refund of 1000. */
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
async function sendRequest(outRefundNo = number): Promise<unknown[]> {
  const body = { outTradeNo: order, outRefundNo, refundFee: 1000 }
  const { status, json } = await shop.call('POST', '/api/refund', { token: shop.merchantKey, body })
  await shop.world.settled()
  return [status, json['code'] ?? json['refundStatus'], json['errCode']]
}
/** The refund as the payer sees it, without WeChat's reason, which is for the merchant only. */
const asPayer = async () =>
  (await shop.call('GET', `/api/refund?outRefundNo=${number}`, { token: payer })).json
const draft = (): Parameters<typeof refund>[1] => ({
  outRefundNo: must(parseOutRefundNo(number)),
  outTradeNo: must(parseOutTradeNo(order)),
  refundFee: must(toFen(1000)),
})
/** Order, refunds and refund events as text: `state claimed/refunded: refunds → events`. */
async function ledger(): Promise<string> {
  const [row] = await shop.sql(
    `select concat(trade_state, ' ', claimed_fee, '/', refunded_fee, ':',
       (select string_agg(concat(' ', refund_status, ' ', err_code), '' order by out_refund_no) from refunds r where r.out_trade_no = o.out_trade_no),
       (select string_agg(' → ' || type, '' order by seq) from events e where e.out_trade_no = o.out_trade_no and type like 'refund%')) as text
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
const DONE = 'REFUND 1000/1000: SUCCESS  → refund.succeeded'
/** Cron retries until WeChat has paid the refund out, exactly once. */
async function expectRecovery(): Promise<void> {
  await cron()
  await cron()
  expect([await ledger(), atWechat().length]).toEqual([DONE, 1])
}

describe('a refund that WeChat does not make yet', () => {
  test('because the balance is too low waits, and is made after a top-up', async () => {
    shop.wechat.setBalance(999)
    const code = inProtocol({ v2: 'NOTENOUGH', v3: 'NOT_ENOUGH' })
    expect(await sendRequest()).toEqual([202, 'PROCESSING', code])
    await cron()
    expect([await ledger(), atWechat()]).toEqual([`SUCCESS 1000/0: PROCESSING ${code}`, []])
    shop.wechat.setBalance(1000)
    await expectRecovery()
  })

  test.each([
    'BIZERR_NEED_RETRY',
    'FREQUENCY_LIMITED',
    'INVALID_REQ_TOO_MUCH',
    'ERROR',
    'INVALID_REQUEST',
    'A_CODE_NOBODY_KNOWS',
  ])(
    'because of %s keeps its claim, shows the reason, and is made later under its own number',
    async (errCode) => {
      shop.wechat.misbehave({ on: 'refund', do: 'err-code', errCode })
      expect(await sendRequest()).toEqual([202, 'PROCESSING', errCode])
      expect(Object.keys(await asPayer()).filter((name) => name.startsWith('err'))).toEqual([])
      await cron()
      expect([await ledger(), atWechat()]).toEqual([`SUCCESS 1000/0: PROCESSING ${errCode}`, []])
      shop.wechat.clearFaults()
      await expectRecovery()
    },
  )

  test('because WeChat limits the rate causes no further call', async () => {
    shop.wechat.misbehave({ on: 'refund', do: 'err-code', errCode: 'FREQUENCY_LIMITED' })
    const before = shop.wechat.messageLog.length
    await sendRequest()
    const calls = shop.wechat.messageLog.slice(before).filter(({ direction }) => direction === 'in')
    const path = inProtocol({ v2: '/secapi/pay/refund', v3: '/v3/refund/domestic/refunds' })
    expect(calls.map(({ method, url }) => `${method} ${url}`)).toEqual([`POST /wechat${path}`])
  })

  // Only calls of v2 are retried immediately.
  test.runIf(protocol === 'v2')('because of one SYSTEMERROR is retried immediately', async () => {
    shop.wechat.misbehave({ on: 'refund', do: 'err-code', errCode: 'SYSTEMERROR', times: 1 })
    expect(await sendRequest()).toEqual([202, 'PROCESSING', undefined])
    expect(atWechat()).toHaveLength(1)
  })

  test.each([
    ['SYSTEMERROR', 503, 'wechat_unknown', ''],
    ['NOAUTH', 502, 'wechat_misconfigured', 'NOAUTH'],
    ['SIGNERROR', 502, 'wechat_misconfigured', 'SIGNERROR'],
  ])(
    'because of repeated %s keeps its claim, shows the reason, and is made afterwards',
    async (errCode, status, code, why) => {
      shop.wechat.misbehave({ on: 'refund', do: 'err-code', errCode })
      expect(await sendRequest()).toEqual([status, code, undefined])
      expect([await ledger(), atWechat()]).toEqual([`SUCCESS 1000/0: PROCESSING ${why}`, []])
      shop.wechat.clearFaults()
      await expectRecovery()
    },
  )
})

describe('a refund that WeChat will never make', () => {
  test.each([
    'TRADE_OVERDUE',
    'USER_ACCOUNT_ABNORMAL',
    ...inProtocol({
      v2: ['ORDERNOTEXIST', 'INVALID_TRANSACTIONID'],
      v3: ['ORDER_NOT_EXIST', 'RESOURCE_NOT_EXISTS'],
    }),
  ])('because of %s is closed, sends an event, and releases its claim', async (errCode) => {
    shop.wechat.misbehave({ on: 'refund', do: 'err-code', errCode, times: 1 })
    expect(await sendRequest()).toEqual([409, 'refund_refused', undefined])
    expect(await ledger()).toBe(`SUCCESS 0/0: REFUNDCLOSE ${errCode} → refund.failed`)
    expect(await sendRequest()).toEqual([202, 'REFUNDCLOSE', errCode])
    expect(await sendRequest(`${number}-anew`)).toEqual([202, 'PROCESSING', undefined])
    await cron()
    expect(await ledger()).toBe(
      `REFUND 1000/1000: REFUNDCLOSE ${errCode} SUCCESS  → refund.failed → refund.succeeded`,
    )
  })

  test('but that WeChat makes after all is in the ledger or becomes an incident', async () => {
    // Two concurrent requests have the same number. The first is refused, and WeChat then makes the
    // second.
    const second = withGateway(deps, ({ sendRefund }) => ({
      sendRefund: async (asked) => {
        const answer = await sendRefund(asked)
        await deps.refunds.settle(
          asked,
          { refundStatus: 'REFUNDCLOSE', refundId: null, errCode: 'ORDERNOTEXIST', errText: null },
          new Date(),
        )
        return answer
      },
    }))
    await refund(second, draft())
    await cron()
    await shop.deliverNotifications()
    const incidents = await shop.sql('select kind from incidents where out_trade_no = $1', [order])
    expect(atWechat().map(({ refundStatus }) => refundStatus)).toEqual(['SUCCESS'])
    // Either the ledger has it, or there is an incident.
    expect([(await ledger()).startsWith('REFUND 1000/1000'), incidents.length > 0]).toContain(true)
  })
})

describe('a refund whose answer is lost', () => {
  test.each(['drop', 'lose-answer', 'truncate', 'garble', 'html', 'http-500'] as const)(
    '(%s) keeps its claim, and a retry makes one refund at WeChat',
    async (fault) => {
      shop.wechat.misbehave({ on: 'refund', do: fault })
      const [status, code] = await sendRequest()
      shop.wechat.clearFaults()
      expect([[503, 'wechat_unknown'].join(), [502, 'wechat_untrusted'].join()]).toContain(
        [status, code].join(),
      )
      expect(await ledger()).toBe('SUCCESS 1000/0: PROCESSING ')
      expect(await sendRequest()).toEqual([202, 'PROCESSING', undefined])
      expect(atWechat()).toHaveLength(1)
      await expectRecovery()
    },
  )

  test.each([
    'tamper',
    'wrong-key',
    'unsigned',
    // The answer of APIv3 names neither.
    ...inProtocol({ v2: ['wrong-appid', 'wrong-mch-id'] as const, v3: [] }),
    'wrong-amount',
  ] as const)('or forged (%s) keeps its claim, and is settled by a query', async (fault) => {
    shop.wechat.misbehave({ on: 'refund', do: fault, times: 1 })
    expect(await sendRequest()).toEqual([502, 'wechat_untrusted', undefined])
    expect(await ledger()).toBe('SUCCESS 1000/0: PROCESSING ')
    await expectRecovery()
  })

  test('is not sent again while its query also fails', async () => {
    shop.wechat.misbehave({ on: 'refund', do: 'lose-answer' })
    await sendRequest()
    shop.wechat.misbehave({ on: 'refundquery', do: 'drop' })
    const sent = shop.calls('refund').length
    expect(await sendRequest()).toEqual([503, 'wechat_unknown', undefined])
    await cron()
    expect([shop.calls('refund').length - sent, await ledger()]).toEqual([
      0,
      'SUCCESS 1000/0: PROCESSING ',
    ])
    shop.wechat.clearFaults()
    await expectRecovery()
  })

  test('has an unknown outcome while WeChat stalls', async () => {
    shop.wechat.misbehave({ on: 'refund', do: 'stall', times: 1 })
    expect(await sendRequest()).toEqual([503, 'wechat_unknown', undefined])
    await expectRecovery()
  })
})

describe('the database fails', () => {
  const failing = () => Promise.reject(new Unavailable('database', null, 'no_answer'))

  test('before the claim: nothing is sent, and the same request works afterwards', async () => {
    shop.world.faults.database.down()
    expect(await sendRequest()).toEqual([503, 'unavailable', undefined])
    shop.world.faults.database.up()
    expect([await ledger(), atWechat()]).toEqual(['SUCCESS 0/0:', []])
    expect(await sendRequest()).toEqual([202, 'PROCESSING', undefined])
  })

  test('during the claim: nothing is sent, and cron makes the refund later', async () => {
    const refunds: Deps['refunds'] = {
      ...deps.refunds,
      claim: (...claim) => deps.refunds.claim(...claim).then(failing),
    }
    await expect(refund({ ...deps, refunds }, draft())).rejects.toThrow('database is unavailable')
    expect([await ledger(), atWechat()]).toEqual(['SUCCESS 1000/0: PROCESSING ', []])
    await expectRecovery()
  })

  test('after WeChat’s acceptance: a retry or cron finds the same refund', async () => {
    await expect(
      refund({ ...deps, refunds: { ...deps.refunds, accepted: failing } }, draft()),
    ).rejects.toThrow('database is unavailable')
    expect([await ledger(), atWechat().length]).toEqual(['SUCCESS 1000/0: PROCESSING ', 1])
    await expectRecovery()
    expect(await sendRequest()).toEqual([202, 'SUCCESS', undefined])
  })

  test('after WeChat’s refusal: cron sends the refund again and stores the refusal', async () => {
    shop.wechat.misbehave({ on: 'refund', do: 'err-code', errCode: 'TRADE_OVERDUE', times: 2 })
    await expect(
      refund({ ...deps, refunds: { ...deps.refunds, settle: failing } }, draft()),
    ).rejects.toThrow('database is unavailable')
    await cron()
    expect(await ledger()).toBe('SUCCESS 0/0: REFUNDCLOSE TRADE_OVERDUE → refund.failed')
  })
})
