/** Refunds made by hand in the merchant console, and refunds that the payer's card refuses. */
import { withGateway } from '../support/with-gateway.ts'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Unavailable } from '../../lib/core/failure.ts'
import { parseOutRefundNo, parseOutTradeNo } from '../../lib/core/ids.ts'
import { toFen } from '../../lib/core/money.ts'
import type { Deps } from '../../lib/ports.ts'
import { queryRefund } from '../../lib/steps/query-refund.ts'
import { refund } from '../../lib/steps/request-refund.ts'
import { createInstance } from '../../lib/composition.ts'
import { inProtocol } from '../support/mode.ts'
import { must } from '../support/must.ts'
import {
  deliverRefundNotification,
  paidOrder,
  requestRefund,
  summariseRefunds,
} from '../support/refunds.ts'
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
  shop.wechat.clearFaults()
  shop.wechat.setBalance(null)
})

/** A paid order of 2800 fen, and the number of a refund of 1000. */
let order = ''
let number = ''
let count = 0
beforeEach(async () => {
  order = await paidOrder(shop)
  number = `R-${(count += 1)}`
})
const sendRequest = (outRefundNo = number, refundFee = 1000) =>
  requestRefund(shop, order, outRefundNo, refundFee)
const ledger = (outTradeNo = order) => summariseRefunds(shop, outTradeNo)
/** Advances the clock until WeChat has paid the refund out. */
const waitUntilPaidOut = () => shop.advance(3_000)
const deliverNotification = () => deliverRefundNotification(shop, order)
/** Runs cron, without notifications, until nothing is left to do for this order. */
async function runCronUntilIdle(): Promise<void> {
  const waiting = `select out_refund_no from refunds where out_trade_no = $1 and (refund_status = 'PROCESSING' or next_attempt_at is not null)`
  let left: unknown = null
  for (let rounds = 0; rounds < 12 && JSON.stringify(left) !== '[]'; rounds += 1) {
    shop.advance(600_000)
    await shop.cron()
    left = await shop.sql(waiting, [order])
  }
  expect(left).toEqual([])
}
const DONE = 'REFUND 1000/1000: SUCCESS → refund.succeeded'

describe('a refund made in the merchant console', () => {
  test('is stored once WeChat confirms it, and its amount cannot be refunded again', async () => {
    const { outRefundNo } = shop.wechat.refundInConsole(order, 1000)
    waitUntilPaidOut()
    expect([await deliverNotification(), await ledger()]).toEqual([true, DONE])
    expect(
      (
        await shop.call('GET', `/api/refund?outRefundNo=${outRefundNo}`, {
          token: shop.merchantKey,
        })
      ).json,
    ).toMatchObject({
      outTradeNo: order,
      refundFee: 1000,
      refundStatus: 'SUCCESS',
    })
    expect(await sendRequest(number, 1801)).toEqual([409, 'refund_too_much'])
    expect(await sendRequest(number, 1800)).toEqual([202, 'PROCESSING'])
  })

  test('that WeChat closed is acknowledged, although ours has claimed the amount, and lets ours be made', async () => {
    shop.wechat.refundInConsole(order, 2800, 'reported', 'REFUNDCLOSE')
    expect(await sendRequest()).toEqual([202, 'PROCESSING'])
    waitUntilPaidOut()
    expect([await deliverNotification(), await ledger()]).toEqual([
      true,
      'REFUND 1000/0: PROCESSING',
    ])
    await runCronUntilIdle()
    expect(await ledger()).toBe(DONE)
  })

  test('whose query fails is stored when WeChat notifies again, and in APIv3 without a query', async () => {
    shop.wechat.refundInConsole(order, 1000)
    waitUntilPaidOut()
    shop.wechat.misbehave({ on: 'refundquery', do: 'drop' })
    expect([await deliverNotification(), await ledger()]).toEqual(
      inProtocol({ v2: [false, 'SUCCESS 0/0:'], v3: [true, DONE] }),
    )
    shop.wechat.clearFaults()
    expect([await deliverNotification(), await ledger()]).toEqual([true, DONE])
  })

  test('of the whole amount that our waiting refund has claimed closes that refund and is stored', async () => {
    shop.wechat.misbehave({
      on: 'refund',
      do: 'err-code',
      errCode: 'ERROR',
      errCodeDes: '系统繁忙',
    })
    expect(await sendRequest(number, 2800)).toEqual([202, 'PROCESSING'])
    shop.wechat.refundInConsole(order, 2800)
    waitUntilPaidOut()
    expect([await deliverNotification(), await ledger()]).toEqual([
      true,
      'REFUND 2800/2800: SUCCESS REFUNDCLOSE → refund.failed → refund.succeeded',
    ])
  })

  test('of the whole amount closes our waiting refund in APIv3 although WeChat answers no question about it', async () => {
    shop.wechat.misbehave({ on: 'refund', do: 'drop' })
    expect(await sendRequest(number, 2800)).toEqual([503, 'wechat_unknown'])
    shop.wechat.refundInConsole(order, 2800)
    waitUntilPaidOut()
    shop.wechat.misbehave({ on: 'refundquery', do: 'drop' })
    expect([await deliverNotification(), await ledger()]).toEqual(
      inProtocol({
        v2: [false, 'SUCCESS 2800/0: PROCESSING'],
        v3: [true, 'REFUND 2800/2800: SUCCESS REFUNDCLOSE → refund.failed → refund.succeeded'],
      }),
    )
  })

  test('of an amount that our waiting refunds may still need is an incident until one of these has ended', async () => {
    shop.wechat.setBalance(0)
    expect([
      await sendRequest(`${number}-1`, 1500),
      await sendRequest(`${number}-2`, 1300),
    ]).toEqual(Array(2).fill([202, 'PROCESSING']))
    shop.wechat.setBalance(1000)
    shop.wechat.refundInConsole(order, 1000)
    waitUntilPaidOut()
    expect([await deliverNotification(), await ledger()]).toEqual([
      false,
      'SUCCESS 2800/0: PROCESSING PROCESSING → payment.incident',
    ])
    shop.wechat.setBalance(null)
    await runCronUntilIdle()
    // Cron asks about both of our refunds at the same time, so either may end first.
    expect(await ledger()).toMatch(
      /^REFUND 2500\/2500: SUCCESS SUCCESS REFUNDCLOSE → payment\.incident → refund\.(succeeded → refund\.failed|failed → refund\.succeeded) → refund\.succeeded$/,
    )
  })

  test('that WeChat does not report is found with the bill of its day, even beside our waiting refund', async () => {
    shop.wechat.setBalance(0)
    expect(await sendRequest(number, 2800)).toEqual([202, 'PROCESSING'])
    shop.wechat.setBalance(null)
    shop.wechat.refundInConsole(order, 2800, 'unreported')
    shop.wechat.setBalance(0)
    shop.advance(2 * 86_400_000)
    await shop.cron()
    expect(await ledger()).toMatch(/^REFUND 2800\/2800: SUCCESS REFUNDCLOSE →/)
  })
})

describe('our refund that WeChat refuses because of a refund in the console', () => {
  test('is closed with WeChat’s text, releases its claim, and the console refund is stored', async () => {
    shop.wechat.refundInConsole(order, 2800, 'unreported')
    waitUntilPaidOut()
    const body = { outTradeNo: order, outRefundNo: number, refundFee: 2800 }
    const { status, json } = await shop.call('POST', '/api/refund', {
      token: shop.merchantKey,
      body,
    })
    expect([status, json['code']]).toEqual([409, 'refund_refused'])
    expect(json['detail']).toMatch(
      /INVALID_REQUEST \(“订单已全额退款”\): other refunds of this order leave too little/,
    )
    await shop.world.settled()
    expect(await ledger()).toBe(
      'REFUND 2800/2800: SUCCESS REFUNDCLOSE → refund.failed → refund.succeeded',
    )
    const event = shop.world.events
      .map((sent) => sent.body)
      .find((text) => text.includes('"refund.failed"') && text.includes(`"${number}"`))
    expect(event).toContain('"errCode":"INVALID_REQUEST","errText":"订单已全额退款"')
    expect(await sendRequest(number, 2800)).toEqual([202, 'REFUNDCLOSE'])
  })

  test('of a part leaves the rest to be refunded under another number', async () => {
    shop.wechat.refundInConsole(order, 1000, 'unreported')
    waitUntilPaidOut()
    expect(await sendRequest(number, 2800)).toEqual([409, 'refund_refused'])
    expect(await sendRequest(`${number}-rest`, 1801)).toEqual([409, 'refund_too_much'])
    expect(await sendRequest(`${number}-rest`, 1800)).toEqual([202, 'PROCESSING'])
    await runCronUntilIdle()
    expect(await ledger()).toMatch(/^REFUND 2800\/2800: SUCCESS REFUNDCLOSE SUCCESS →/)
  })

  test('waits while that one is in progress, because it may still be closed, and shows why', async () => {
    shop.wechat.refundInConsole(order, 2800, 'unreported')
    const body = { outTradeNo: order, outRefundNo: number, refundFee: 2800 }
    const { status, json } = await shop.call('POST', '/api/refund', {
      token: shop.merchantKey,
      body,
    })
    expect([status, json['refundStatus'], json['errCode'], json['errText']]).toEqual([
      202,
      'PROCESSING',
      'INVALID_REQUEST',
      '订单已全额退款',
    ])
    expect(await ledger()).toBe('SUCCESS 2800/0: PROCESSING')
    waitUntilPaidOut()
    await runCronUntilIdle()
    expect(await ledger()).toBe(
      'REFUND 2800/2800: SUCCESS REFUNDCLOSE → refund.failed → refund.succeeded',
    )
  })

  test('is closed even if several of ours wait, and the console refund is stored in the end', async () => {
    shop.wechat.setBalance(0)
    for (const [index, fee] of [1000, 900, 900].entries())
      await sendRequest(`${number}-${index}`, fee)
    shop.wechat.setBalance(null)
    shop.wechat.refundInConsole(order, 2800, 'unreported')
    waitUntilPaidOut()
    await runCronUntilIdle()
    expect(await ledger()).toBe(
      'REFUND 2800/2800: SUCCESS REFUNDCLOSE REFUNDCLOSE REFUNDCLOSE → refund.failed → refund.failed → refund.failed → refund.succeeded',
    )
  })

  test.each(['adopt', 'listByOrder', 'finishClosed'] as const)(
    'is closed even if the database fails before the console refund is stored (%s)',
    async (step) => {
      shop.wechat.refundInConsole(order, 2800, 'unreported')
      waitUntilPaidOut()
      const failing = () => Promise.reject(new Unavailable('database', null, 'no_answer'))
      const draft = {
        outTradeNo: must(parseOutTradeNo(order)),
        outRefundNo: must(parseOutRefundNo(number)),
        refundFee: must(toFen(2800)),
      }
      await expect(
        refund({ ...deps, refunds: { ...deps.refunds, [step]: failing } }, draft),
      ).rejects.toThrow('database is unavailable')
      await runCronUntilIdle()
      expect(await ledger()).toBe(
        'REFUND 2800/2800: SUCCESS REFUNDCLOSE → refund.failed → refund.succeeded',
      )
    },
  )

  test.each(['drop', 'wrong-key', 'tamper', 'wrong-mch-id', 'html'] as const)(
    'is not closed while WeChat’s list of refunds is missing or not authentic (%s)',
    async (fault) => {
      shop.wechat.refundInConsole(order, 2800, 'unreported')
      waitUntilPaidOut()
      shop.wechat.misbehave({ on: 'refundquery', do: fault })
      expect(await sendRequest(number, 2800)).toEqual([202, 'PROCESSING'])
      expect(await ledger()).toBe('SUCCESS 2800/0: PROCESSING')
      shop.wechat.clearFaults()
      await runCronUntilIdle()
      expect(await ledger()).toBe(
        'REFUND 2800/2800: SUCCESS REFUNDCLOSE → refund.failed → refund.succeeded',
      )
    },
  )

  test('is not closed if WeChat has made it after all', async () => {
    const madeButRefused = withGateway(deps, ({ sendRefund }) => ({
      sendRefund: async (asked) => {
        must(await sendRefund(asked))
        return {
          ok: true,
          value: { outcome: 'never', code: 'TRADE_OVERDUE', remedy: '', text: '' },
        }
      },
    }))
    const draft = {
      outTradeNo: must(parseOutTradeNo(order)),
      outRefundNo: must(parseOutRefundNo(number)),
      refundFee: must(toFen(1000)),
    }
    expect(must(await refund(madeButRefused, draft)).refundStatus).toBe('PROCESSING')
    await runCronUntilIdle()
    expect(await ledger()).toBe(DONE)
  })

  test('does not block a console refund after WeChat has closed ours, because its claim is released', async () => {
    shop.wechat.misbehave({ on: 'refund', do: 'end-as', status: 'REFUNDCLOSE', times: 1 })
    await sendRequest(number, 2800)
    waitUntilPaidOut()
    shop.wechat.misbehave({ on: 'notify', do: 'drop' })
    shop.wechat.refundInConsole(order, 2800)
    waitUntilPaidOut()
    await deliverNotification()
    await runCronUntilIdle()
    expect(await ledger()).toBe(
      'REFUND 2800/2800: SUCCESS REFUNDCLOSE → refund.failed → refund.succeeded',
    )
  })
})

describe('a refund that the payer’s card refuses', () => {
  beforeEach(async () => {
    shop.wechat.misbehave({ on: 'refund', do: 'end-as', status: 'CHANGE', times: 1 })
    await sendRequest()
    waitUntilPaidOut()
    expect(await deliverNotification()).toBe(true)
  })
  /** Resolves the refund as if by hand in the console, which the simulator does not offer. */
  async function resolveInConsole(
    refundStatus: 'SUCCESS' | 'REFUNDCLOSE' | 'PROCESSING',
  ): Promise<string> {
    const withStatus = withGateway(deps, ({ queryRefund: ask }) => ({
      queryRefund: async (asked) => {
        const known = must(await ask(asked))
        return { ok: true, value: known.state === 'known' ? { ...known, refundStatus } : known }
      },
    }))
    must(await queryRefund(withStatus, { kind: 'merchant' }, must(parseOutRefundNo(number))))
    return ledger()
  }
  const CHANGED = 'REFUND 1000/0: CHANGE → refund.needs_attention'

  test('sends one event and keeps its claim, however often cron queries it', async () => {
    shop.advance(60_000)
    await shop.cron()
    expect(await ledger()).toBe(CHANGED)
  })

  test('succeeds after manual action', async () => {
    expect(await resolveInConsole('SUCCESS')).toBe(
      'REFUND 1000/1000: SUCCESS → refund.needs_attention → refund.succeeded',
    )
  })

  test('releases its claim once it is closed', async () => {
    expect(await resolveInConsole('REFUNDCLOSE')).toBe(
      'REFUND 0/0: REFUNDCLOSE → refund.needs_attention → refund.failed',
    )
  })

  test('does not return to PROCESSING when WeChat says so', async () => {
    expect(await resolveInConsole('PROCESSING')).toBe(CHANGED)
  })
})
