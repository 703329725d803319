/** What a person does in the merchant console: refunds by hand, and refunds that a payer's card does not take. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { parseOutRefundNo } from '../../lib/core/ids.ts'
import type { Deps } from '../../lib/ports.ts'
import { queryRefund } from '../../lib/steps/refund.ts'
import { createDeps } from '../../lib/wire.ts'
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
const ask = (outRefundNo = number, refundFee = 1000) => askForRefund(shop, order, outRefundNo, refundFee)
const books = (outTradeNo = order) => refundBooks(shop, outTradeNo)
/** Time enough for WeChat to pay out. */
const paidOut = () => shop.advance(3_000)
/** WeChat calls, a first time or again. */
async function wechatCalls(): Promise<unknown> {
  shop.advance(15_000)
  await shop.deliverNotices()
  return shop.wechat.notifications().findLast(({ outTradeNo, reqInfo }) => outTradeNo === order && reqInfo !== null)?.acknowledged
}
const DONE = 'REFUND 1000/1000: SUCCESS; refund.succeeded'

describe('a refund made in the merchant console', () => {
  test('is in the books on WeChat’s word, and its money is not given back twice', async () => {
    const { outRefundNo } = shop.wechat.refundInConsole(order, 1000)
    paidOut()
    expect([await wechatCalls(), await books()]).toEqual([true, DONE])
    expect((await shop.call('GET', `/api/refund?outRefundNo=${outRefundNo}`, { token: shop.merchantKey })).json).toMatchObject({
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

  test('of money that a waiting refund of ours has claimed: it is real, so a person hears of it', async () => {
    shop.wechat.misbehave({ on: 'refund', do: 'err-code', errCode: 'ERROR' })
    expect(await ask(number, 2800)).toEqual([202, 'PROCESSING'])
    shop.wechat.refundInConsole(order, 2800)
    paidOut()
    await wechatCalls()
    expect(await books()).toContain('payment.incident')
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
    must(await queryRefund({ ...deps, wechat: { ...deps.wechat, askRefund } }, { kind: 'merchant' }, must(parseOutRefundNo(number))))
    return books()
  }
  const CHANGED = 'REFUND 1000/0: CHANGE; refund.failed'

  test('is told to the merchant once, and the money stays claimed, however often cron asks', async () => {
    shop.advance(60_000)
    await shop.cron()
    expect(await books()).toBe(CHANGED)
  })

  test('takes it after all once a person has seen to it', async () => {
    expect(await endedBy('SUCCESS')).toBe('REFUND 1000/1000: SUCCESS; refund.failed; refund.succeeded')
  })

  test('gives up for good: the money is free for a new number', async () => {
    expect(await endedBy('REFUNDCLOSE')).toBe('REFUND 0/0: REFUNDCLOSE; refund.failed; refund.failed')
  })

  test('is not back on its way because WeChat says so', async () => {
    expect(await endedBy('PROCESSING')).toBe(CHANGED)
  })
})
