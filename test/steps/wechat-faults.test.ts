/** Unusable, forged, truncated and missing answers of WeChat, at each step that calls it. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Fault } from '../../dev/wechat/faults.ts'
import { ledgerOf, UNTOUCHED } from '../stores/ledger-rows.ts'
import { openOrder } from '../support/attacked-shop.ts'
import { transactionOf } from '../support/messages/messages.ts'
import { protocol } from '../support/mode.ts'
import { openShop, toPayment, type Shop } from '../support/shop.ts'

let shop: Shop
beforeAll(async () => {
  shop = await openShop()
  await shop.wechat.stop()
})
afterAll(() => shop.close())
afterEach(() => shop.wechat.clearFaults())

const ask = async (method: string, path: string, token: string | undefined, body?: unknown) => {
  const { status, json } = await shop.call(method, path, {
    token,
    ...(body === undefined ? {} : { body }),
  })
  return [status, json['code'] ?? json['tradeState'] ?? 'done']
}
type Order = Awaited<ReturnType<typeof openOrder>>
const prepay = ({ token, outTradeNo }: Order) => ask('POST', '/api/prepay', token, { outTradeNo })
const query = ({ token, outTradeNo }: Order) =>
  ask('GET', `/api/query?outTradeNo=${outTradeNo}`, token)
const close = ({ token, outTradeNo }: Order) => ask('POST', '/api/close', token, { outTradeNo })
const logIn = () => ask('POST', '/api/login', undefined, { code: shop.wechat.issueCode() })

const placedOrder = async (): Promise<Order> => {
  const token = await shop.logIn()
  return { token, outTradeNo: await shop.placeOrder(token) }
}
/** An order that is old enough for WeChat to close it. */
const closableOrder = async (): Promise<Order> => {
  const order = await openOrder(shop)
  shop.advance(6 * 60_000)
  return order
}
const paidAtWechat = async (): Promise<Order> => {
  const order = await openOrder(shop)
  await shop.pay(order.token, order.outTradeNo)
  return order
}

const UNKNOWN = [503, 'wechat_unknown']
const UNTRUSTED = [502, 'wechat_untrusted']
const common = [
  ['an HTML page of a gateway', 'html', UNTRUSTED],
  ['bytes that are not text', 'garble', UNTRUSTED],
  ['a connection that breaks', 'drop', UNKNOWN],
  ['a connection that breaks after the request was executed', 'lose-answer', UNKNOWN],
] as const
const forged = [
  ['an answer changed in transit', 'tamper', UNTRUSTED],
  ['an answer signed with another key', 'wrong-key', UNTRUSTED],
  ['an answer without a signature', 'unsigned', UNTRUSTED],
] as const
/** In APIv3 the answers to other calls do not name them. */
const ofAnother = [
  ['Mini Program', 'wrong-appid'],
  ['merchant', 'wrong-mch-id'],
] as const
const refusals = [
  ['a system error', 'SYSTEMERROR', UNKNOWN],
  ['a rate limit', 'FREQUENCY_LIMITED', [503, 'wechat_busy']],
  ['a missing permission', 'NOAUTH', [502, 'wechat_misconfigured']],
] as const

/** The answer of APIv3 to a close has no bytes. */
const isEmptyIn = (on: string) => protocol === 'v3' && on === 'closeorder'

const signedSteps = [
  ['unifiedorder', placedOrder, prepay, [200, 'done'], 'NOTPAY'],
  ['orderquery', paidAtWechat, query, [200, 'SUCCESS'], 'SUCCESS'],
  ['closeorder', closableOrder, close, [200, 'CLOSED'], 'CLOSED'],
] as const

describe.each(signedSteps)('WeChat’s %s answers', (on, prepare, step, well, finalState) => {
  async function failsThenWorks(fault: Fault, expected: readonly unknown[]): Promise<void> {
    const order = await prepare()
    shop.wechat.misbehave(fault)
    expect(await step(order)).toEqual(expected)
    expect(await ledgerOf(shop, order.outTradeNo)).toMatchObject(UNTOUCHED)
    shop.wechat.clearFaults()
    expect(await step(order)).toEqual(well)
    expect(await ledgerOf(shop, order.outTradeNo)).toMatchObject({
      order: { trade_state: finalState },
      incidents: [],
    })
  }

  test.each(common.filter(([, fault]) => !isEmptyIn(on) || fault !== 'garble'))(
    '%s: the answer is not used, and a retry works',
    async (_name, fault, expected) => {
      await failsThenWorks({ on, do: fault }, expected)
    },
  )

  test.each(forged)(
    '%s: the answer is not used, and a retry works',
    async (_name, fault, expected) => {
      await failsThenWorks({ on, do: fault, times: 1 }, expected)
    },
  )

  test.runIf(protocol === 'v2' || on === 'orderquery').each(ofAnother)(
    'an answer for another %s: the answer is not used, and a retry works',
    (_name, fault) => failsThenWorks({ on, do: fault, times: 1 }, UNTRUSTED),
  )

  test('a gateway’s 500: the answer is not used, and a retry works', () =>
    failsThenWorks({ on, do: 'http-500', times: 1 }, UNKNOWN))

  test.each(refusals)(
    '%s: nothing is decided, and a retry works',
    async (_name, errCode, expected) => {
      await failsThenWorks({ on, do: 'err-code', errCode }, expected)
    },
  )

  // Only calls of v2 are retried immediately.
  test.runIf(protocol === 'v2')(
    'one system error: the call is retried immediately, and the caller does not see it',
    async () => {
      const order = await prepare()
      shop.wechat.misbehave({ on, do: 'err-code', errCode: 'SYSTEMERROR', times: 1 })
      expect(await step(order)).toEqual(well)
    },
  )
})

describe('WeChat’s login answers', () => {
  test.each(common.filter(([, fault]) => fault !== 'garble'))(
    '%s: no token, and a new code works',
    async (_name, fault, expected) => {
      shop.wechat.misbehave({ on: 'jscode2session', do: fault })
      expect(await logIn()).toEqual(expected)
      shop.wechat.clearFaults()
      expect(await logIn()).toEqual([200, 'done'])
    },
  )

  test('a gateway’s 500: no token, and a new code works', async () => {
    shop.wechat.misbehave({ on: 'jscode2session', do: 'http-500', times: 1 })
    expect(await logIn()).toEqual(UNKNOWN)
    expect(await logIn()).toEqual([200, 'done'])
  })

  test('bytes that are not text: no token', async () => {
    shop.wechat.misbehave({ on: 'jscode2session', do: 'garble', times: 1 })
    expect(await logIn()).not.toEqual([200, 'done'])
  })
})

test('a truncated or late answer ends every step with an unknown outcome, and a retry works', async () => {
  const [placed, paid, closable] = [
    await placedOrder(),
    await paidAtWechat(),
    await closableOrder(),
  ]
  const [placedToo, paidToo, closableToo] = [
    await placedOrder(),
    await paidAtWechat(),
    await closableOrder(),
  ]
  for (const on of ['jscode2session', 'unifiedorder', 'orderquery', 'closeorder'] as const) {
    if (!isEmptyIn(on)) shop.wechat.misbehave({ on, do: 'stall', times: 1 })
    shop.wechat.misbehave({ on, do: 'delay', ms: 30_000, times: isEmptyIn(on) ? 2 : 1 })
  }
  const answers = await Promise.all([
    logIn(),
    logIn(),
    prepay(placed),
    prepay(placedToo),
    query(paid),
    query(paidToo),
    close(closable),
    close(closableToo),
  ])
  expect(answers).toEqual(Array(8).fill(UNKNOWN))
  for (const { outTradeNo } of [placed, placedToo, paid, paidToo, closable, closableToo])
    expect(await ledgerOf(shop, outTradeNo)).toMatchObject(UNTOUCHED)

  expect(await logIn()).toEqual([200, 'done'])
  expect(await Promise.all([prepay(placed), prepay(placedToo)])).toEqual(
    Array(2).fill([200, 'done']),
  )
  expect(await Promise.all([query(paid), query(paidToo)])).toEqual(Array(2).fill([200, 'SUCCESS']))
  expect(await Promise.all([close(closable), close(closableToo)])).toEqual(
    Array(2).fill([200, 'CLOSED']),
  )
})

test('a unified order whose answer was lost is the one that is paid after a retry', async () => {
  const order = await placedOrder()
  shop.wechat.misbehave({ on: 'unifiedorder', do: 'lose-answer' })
  expect(await prepay(order)).toEqual(UNKNOWN)
  shop.wechat.clearFaults()
  expect(shop.wechat.pay(toPayment(await shop.prepay(order.token, order.outTradeNo))).errMsg).toBe(
    'requestPayment:ok',
  )
  await shop.deliverNotifications()
  expect(await ledgerOf(shop, order.outTradeNo)).toMatchObject({
    payments: [transactionOf(shop, order.outTradeNo)],
  })
})

test('a validly signed answer with another amount settles nothing, and repeated queries are one incident', async () => {
  const order = await paidAtWechat()
  shop.wechat.misbehave({ on: 'orderquery', do: 'wrong-amount' })
  for (let times = 0; times < 3; times += 1)
    expect(await query(order)).toEqual([409, 'notice_contradicts'])
  expect(await ledgerOf(shop, order.outTradeNo)).toMatchObject({
    order: { trade_state: 'NOTPAY' },
    payments: [],
    incidents: ['amount'],
    events: ['payment.incident'],
  })
  shop.wechat.clearFaults()
  expect(await query(order)).toEqual([200, 'SUCCESS'])
})

test('cron continues after an order whose query has no usable answer', async () => {
  const [first, second] = [await paidAtWechat(), await paidAtWechat()]
  shop.wechat.misbehave({ on: 'orderquery', do: 'html', times: 1 })
  shop.advance(1)
  await shop.cron()
  shop.wechat.clearFaults()
  shop.advance(1)
  await shop.cron()
  for (const { outTradeNo } of [first, second])
    expect(await ledgerOf(shop, outTradeNo)).toMatchObject({
      order: { trade_state: 'SUCCESS' },
      events: ['order.paid'],
    })
})
