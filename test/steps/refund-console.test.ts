/** What a person does in the merchant console: refunds by hand, and refunds that a payer's card does not take. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Unavailable } from '../../lib/core/failure.ts'
import { parseOutRefundNo, parseOutTradeNo } from '../../lib/core/ids.ts'
import { toFen } from '../../lib/core/money.ts'
import type { Deps } from '../../lib/ports.ts'
import { queryRefund } from '../../lib/steps/query-refund.ts'
import { refund } from '../../lib/steps/request-refund.ts'
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
afterEach(() => {
  shop.wechat.clearFaults()
  shop.wechat.setBalance(null)
})

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
/** Cron alone, until nothing is left for it to do for this order. */
async function untilCronIsQuiet(): Promise<void> {
  const waiting = `select out_refund_no from refunds where out_trade_no = $1 and (refund_status = 'PROCESSING' or next_attempt_at is not null)`
  let left: unknown = null
  for (let rounds = 0; rounds < 12 && JSON.stringify(left) !== '[]'; rounds += 1) {
    shop.advance(600_000)
    await shop.cron()
    left = await shop.sql(waiting, [order])
  }
  expect(left).toEqual([])
}
const DONE = 'REFUND 1000/1000: SUCCESS; refund.succeeded'

describe('a refund made in the merchant console', () => {
  test('is in the books on WeChat’s word, and its money is not given back twice', async () => {
    const { outRefundNo } = shop.wechat.refundInConsole(order, 1000)
    paidOut()
    expect([await wechatCalls(), await books()]).toEqual([true, DONE])
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
    expect(await ask(number, 1801)).toEqual([409, 'refund_too_much'])
    expect(await ask(number, 1800)).toEqual([202, 'PROCESSING'])
  })

  test('is not taken while WeChat cannot be asked, and is when WeChat calls again', async () => {
    shop.wechat.refundInConsole(order, 1000)
    paidOut()
    shop.wechat.misbehave({ on: 'refundquery', do: 'drop' })
    expect([await wechatCalls(), await books()]).toEqual([false, 'SUCCESS 0/0:'])
    shop.wechat.clearFaults()
    expect([await wechatCalls(), await books()]).toEqual([true, DONE])
  })

  test('of all the money that a waiting refund of ours has claimed ends that one when WeChat reports it, and is in the books', async () => {
    shop.wechat.misbehave({
      on: 'refund',
      do: 'err-code',
      errCode: 'ERROR',
      errCodeDes: '系统繁忙',
    })
    expect(await ask(number, 2800)).toEqual([202, 'PROCESSING'])
    shop.wechat.refundInConsole(order, 2800)
    paidOut()
    expect([await wechatCalls(), await books()]).toEqual([
      true,
      'REFUND 2800/2800: SUCCESS REFUNDCLOSE; refund.failed; refund.succeeded',
    ])
  })

  test('of money that waiting refunds of ours may still need is for a person, until one of these has ended', async () => {
    shop.wechat.setBalance(0)
    expect([await ask(`${number}-1`, 1500), await ask(`${number}-2`, 1300)]).toEqual(
      Array(2).fill([202, 'PROCESSING']),
    )
    shop.wechat.setBalance(1000)
    shop.wechat.refundInConsole(order, 1000)
    paidOut()
    expect([await wechatCalls(), await books()]).toEqual([
      false,
      'SUCCESS 2800/0: PROCESSING PROCESSING; payment.incident',
    ])
    shop.wechat.setBalance(null)
    await untilCronIsQuiet()
    const ended =
      'REFUND 2500/2500: SUCCESS SUCCESS REFUNDCLOSE; payment.incident; refund.succeeded; refund.failed; refund.succeeded'
    expect(await books()).toBe(ended)
  })

  test('is found with the bill of its day where WeChat does not report it, also beside a waiting refund of ours', async () => {
    shop.wechat.setBalance(0)
    expect(await ask(number, 2800)).toEqual([202, 'PROCESSING'])
    shop.wechat.setBalance(null)
    shop.wechat.refundInConsole(order, 2800, 'unreported')
    shop.wechat.setBalance(0)
    shop.advance(2 * 86_400_000)
    await shop.cron()
    expect(await books()).toMatch(/^REFUND 2800\/2800: SUCCESS REFUNDCLOSE;/)
  })
})

describe('a refund of ours that WeChat refuses, because the money was refunded in the console,', () => {
  test('ends with WeChat’s own text, its claim is free, and the console’s refund is in the ledger', async () => {
    shop.wechat.refundInConsole(order, 2800, 'unreported')
    paidOut()
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
    expect(await books()).toBe(
      'REFUND 2800/2800: SUCCESS REFUNDCLOSE; refund.failed; refund.succeeded',
    )
    const told = shop.world.events.find(
      (event) => event.body.includes('"refund.failed"') && event.body.includes(`"${number}"`),
    )
    expect(told?.body).toContain('"errCode":"INVALID_REQUEST","errText":"订单已全额退款"')
    expect(await ask(number, 2800)).toEqual([202, 'REFUNDCLOSE'])
  })

  test('in part, leaves what is left to be refunded under another number', async () => {
    shop.wechat.refundInConsole(order, 1000, 'unreported')
    paidOut()
    expect(await ask(number, 2800)).toEqual([409, 'refund_refused'])
    expect(await ask(`${number}-rest`, 1801)).toEqual([409, 'refund_too_much'])
    expect(await ask(`${number}-rest`, 1800)).toEqual([202, 'PROCESSING'])
    await untilCronIsQuiet()
    expect(await books()).toMatch(/^REFUND 2800\/2800: SUCCESS REFUNDCLOSE SUCCESS;/)
  })

  test('waits while that one is in progress, because it may still be closed, and says why', async () => {
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
    expect(await books()).toBe('SUCCESS 2800/0: PROCESSING')
    paidOut()
    await untilCronIsQuiet()
    expect(await books()).toBe(
      'REFUND 2800/2800: SUCCESS REFUNDCLOSE; refund.failed; refund.succeeded',
    )
  })

  test('ends although several of ours wait: each is tried, and the console’s is in the books in the end', async () => {
    shop.wechat.setBalance(0)
    for (const [name, fee] of [['a', 1000], ['b', 900], ['c', 900]] as const) await ask(`${number}-${name}`, fee) // prettier-ignore
    shop.wechat.setBalance(null)
    shop.wechat.refundInConsole(order, 2800, 'unreported')
    paidOut()
    await untilCronIsQuiet()
    expect(await books()).toBe(
      'REFUND 2800/2800: SUCCESS REFUNDCLOSE REFUNDCLOSE REFUNDCLOSE; refund.failed; refund.failed; refund.failed; refund.succeeded',
    )
  })

  test.each(['adopt', 'listByOrder', 'noteTakenIn'] as const)(
    'ends also when the database goes between its end and the console’s (%s)',
    async (step) => {
      shop.wechat.refundInConsole(order, 2800, 'unreported')
      paidOut()
      const dies = () => Promise.reject(new Unavailable('database', null, 'no_answer'))
      const draft = {
        outTradeNo: must(parseOutTradeNo(order)),
        outRefundNo: must(parseOutRefundNo(number)),
        refundFee: must(toFen(2800)),
      }
      await expect(
        refund({ ...deps, refunds: { ...deps.refunds, [step]: dies } }, draft),
      ).rejects.toThrow('database is unavailable')
      await untilCronIsQuiet()
      expect(await books()).toBe(
        'REFUND 2800/2800: SUCCESS REFUNDCLOSE; refund.failed; refund.succeeded',
      )
    },
  )

  test.each(['drop', 'wrong-key', 'tamper', 'wrong-mch-id', 'html'] as const)(
    'is not given up while WeChat’s list of refunds is not to be had or not to be believed (%s)',
    async (fault) => {
      shop.wechat.refundInConsole(order, 2800, 'unreported')
      paidOut()
      shop.wechat.misbehave({ on: 'refundquery', do: fault })
      expect(await ask(number, 2800)).toEqual([202, 'PROCESSING'])
      expect(await books()).toBe('SUCCESS 2800/0: PROCESSING')
      shop.wechat.clearFaults()
      await untilCronIsQuiet()
      expect(await books()).toBe(
        'REFUND 2800/2800: SUCCESS REFUNDCLOSE; refund.failed; refund.succeeded',
      )
    },
  )

  test('is not given up when WeChat has made it all the same', async () => {
    const sendRefund: Deps['wechat']['sendRefund'] = async (...message) => {
      must(await deps.wechat.sendRefund(...message))
      return { ok: true, value: { outcome: 'never', code: 'TRADE_OVERDUE', remedy: '', text: '' } }
    }
    const draft = {
      outTradeNo: must(parseOutTradeNo(order)),
      outRefundNo: must(parseOutRefundNo(number)),
      refundFee: must(toFen(1000)),
    }
    expect(
      must(await refund({ ...deps, wechat: { ...deps.wechat, sendRefund } }, draft)).refundStatus,
    ).toBe('PROCESSING')
    await untilCronIsQuiet()
    expect(await books()).toBe(DONE)
  })

  test('keeps no refund out that WeChat has closed: the money of that one is free', async () => {
    shop.wechat.misbehave({ on: 'refund', do: 'end-as', status: 'REFUNDCLOSE', times: 1 })
    await ask(number, 2800)
    paidOut()
    shop.wechat.misbehave({ on: 'notify', do: 'drop' })
    shop.wechat.refundInConsole(order, 2800)
    paidOut()
    await wechatCalls()
    await untilCronIsQuiet()
    expect(await books()).toBe(
      'REFUND 2800/2800: SUCCESS REFUNDCLOSE; refund.failed; refund.succeeded',
    )
  })
})

describe('a payer’s card that takes no money', () => {
  beforeEach(async () => {
    shop.wechat.misbehave({ on: 'refund', do: 'end-as', status: 'CHANGE', times: 1 })
    await ask()
    paidOut()
    expect(await wechatCalls()).toBe(true)
  })
  /** What a person makes of it in the console, which the simulator has no button for. */
  async function endedBy(refundStatus: 'SUCCESS' | 'REFUNDCLOSE' | 'PROCESSING'): Promise<string> {
    const askRefund: Deps['wechat']['askRefund'] = async (outRefundNo) => {
      const known = must(await deps.wechat.askRefund(outRefundNo))
      return { ok: true, value: known.state === 'known' ? { ...known, refundStatus } : known }
    }
    must(
      await queryRefund(
        { ...deps, wechat: { ...deps.wechat, askRefund } },
        { kind: 'merchant' },
        must(parseOutRefundNo(number)),
      ),
    )
    return books()
  }
  const CHANGED = 'REFUND 1000/0: CHANGE; refund.needs_attention'

  test('is told to the merchant once, and the money stays claimed, however often cron asks', async () => {
    shop.advance(60_000)
    await shop.cron()
    expect(await books()).toBe(CHANGED)
  })

  test('takes it after all once a person has seen to it', async () => {
    expect(await endedBy('SUCCESS')).toBe(
      'REFUND 1000/1000: SUCCESS; refund.needs_attention; refund.succeeded',
    )
  })

  test('gives up for good: the money is free for a new number', async () => {
    expect(await endedBy('REFUNDCLOSE')).toBe(
      'REFUND 0/0: REFUNDCLOSE; refund.needs_attention; refund.failed',
    )
  })

  test('is not back on its way because WeChat says so', async () => {
    expect(await endedBy('PROCESSING')).toBe(CHANGED)
  })
})
