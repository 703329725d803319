/**
 * Races over HTTP: concurrent calls of all kinds, after which WeChat, ledger and webhook must
 * agree. The embedded database has one connection and so allows few races; real servers have many
 * and get more rounds.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { openReceiver, refuses, accepts, type Receiver } from '../webhook/receiver.ts'
import { ledgerOf } from '../stores/ledger-rows.ts'
import { listenToLog } from './log-lines.ts'
import { sentMessage, transactionOf } from '../support/messages/messages.ts'
import { paidAfterClosing } from '../support/paid-after-closing.ts'
import { openShop, textOf, toPayment, type Answer, type Shop } from '../support/shop.ts'

const ROUNDS = process.env['TEST_DATABASE_URL'] === undefined ? 1 : 20
const DAY_MS = 86_400_000
vi.setConfig({ testTimeout: 20_000 + ROUNDS * 3_000 })

/** A time of day when yesterday's bill is available. */
const NOON = Date.parse('2026-11-20T12:00:00+08:00')

/** The day that a request for a bill names. */
const BILL_DATE = /(?<=bill_date=|<bill_date><!\[CDATA\[)[-\d]+/

let shop: Shop
let merchant: Receiver
beforeAll(async () => {
  merchant = await openReceiver()
  shop = await openShop({ ORDER_WEBHOOK_URL: merchant.url, ORDER_WEBHOOK_SECRET: merchant.secret })
  // The simulator sends no notification by itself; a test that needs one delivers it.
  await shop.wechat.stop()
  // So that orders that are not shipped send no events.
  shop.wechat.changeSettings({ tradeManaged: false })
})
beforeEach(() => {
  vi.setSystemTime(NOON)
})
afterEach(async () => {
  merchant.answer = accepts
  await shop.deliverNotifications()
})
afterAll(async () => {
  await shop.close()
  await merchant.close()
})

const rounds = async (round: (number: number) => Promise<void>) => {
  for (let number = 0; number < ROUNDS; number += 1) await round(number)
}
const times = <T>(count: number, work: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => work(index)))
const ending = ({ status, json }: Answer) =>
  [status, json['code'] ?? json['tradeState'] ?? json['refundStatus']].join(' ').trim()
const post = (path: string, token: string, body: unknown) =>
  shop.call('POST', path, { token, body })
const deliveredOf = (outTradeNo: string) =>
  merchant.deliveries.filter((delivery) => delivery.outTradeNo === outTradeNo)

interface Paid {
  readonly token: string
  readonly outTradeNo: string
  readonly transactionId: string
}

/** An order that is paid at WeChat and not yet in the ledger. */
async function paidOrder(): Promise<Paid> {
  const token = await shop.logIn()
  const outTradeNo = await shop.placeOrder(token)
  await shop.pay(token, outTradeNo)
  return { token, outTradeNo, transactionId: transactionOf(shop, outTradeNo) }
}

/** All calls that can confirm a payment, concurrently. Each round starts with another one. */
async function confirmConcurrently(
  { token, outTradeNo, transactionId }: Paid,
  first: number,
): Promise<Record<string, string[]>> {
  const notification = sentMessage(shop, outTradeNo)
  const notify = async () => {
    const { status, code } = await shop.notify(notification)
    return `${status} ${code}`
  }
  const query = async (by: string, reference: string) =>
    ending(await shop.call('GET', `/api/query?${reference}`, { token: by }))
  const callers: [who: string, call: () => Promise<string>][] = [
    ['WeChat', notify],
    ['payer', () => query(token, `outTradeNo=${outTradeNo}`)],
    ['close', async () => ending(await post('/api/close', token, { outTradeNo }))],
    ['cron', async () => ending(await shop.call('GET', '/api/cron', { token: shop.cronSecret }))],
    ['WeChat', notify],
    ['merchant', () => query(shop.merchantKey, `transactionId=${transactionId}`)],
    ['prepay', async () => ending(await post('/api/prepay', token, { outTradeNo }))],
    ['WeChat', notify],
    ['close', async () => ending(await post('/api/close', shop.merchantKey, { outTradeNo }))],
    ['WeChat', notify],
  ]
  const turn = first % callers.length
  const results = await Promise.all(
    [...callers.slice(turn), ...callers.slice(0, turn)].map(
      async ([who, call]) => [who, await call()] as const,
    ),
  )
  await shop.world.settled()
  const answers: Record<string, string[]> = {}
  for (const [who, answer] of results) (answers[who] ??= []).push(answer)
  return answers
}
const EXPECTED_ANSWERS = {
  WeChat: ['200 SUCCESS', '200 SUCCESS', '200 SUCCESS', '200 SUCCESS'],
  payer: ['200 SUCCESS'],
  merchant: ['200 SUCCESS'],
  close: ['409 order_paid', '409 order_paid'],
  cron: ['200'],
}

describe('a payment confirmed by notification, query, close, prepay and cron concurrently', () => {
  test('is one payment and one event, and all callers get the same answer', () =>
    rounds(async (round) => {
      const paid = await paidOrder()
      expect(await confirmConcurrently(paid, round)).toEqual({
        ...EXPECTED_ANSWERS,
        prepay: [expect.stringMatching(/^(?:200|409 order_paid)$/)],
      })
      expect(await ledgerOf(shop, paid.outTradeNo)).toMatchObject({
        order: { trade_state: 'SUCCESS', transaction_id: paid.transactionId },
        payments: [paid.transactionId],
        incidents: [],
        events: ['order.paid'],
      })
      expect(deliveredOf(paid.outTradeNo).map(({ type }) => type)).toEqual(['order.paid'])
    }))

  test('settles an order that was closed here and not yet at WeChat', () =>
    rounds(async (round) => {
      const closed = await paidAfterClosing(shop)
      const paid = { ...closed, transactionId: transactionOf(shop, closed.outTradeNo) }
      expect(await confirmConcurrently(paid, round)).toEqual({
        ...EXPECTED_ANSWERS,
        prepay: ['409 order_paid'],
      })
      expect(await ledgerOf(shop, paid.outTradeNo)).toMatchObject({
        order: { trade_state: 'SUCCESS', transaction_id: paid.transactionId },
        payments: [paid.transactionId],
        incidents: [],
        events: ['order.closed', 'order.paid'],
      })
      // The second event waits until the first is delivered, and goes out with the next run.
      await shop.cron()
      expect(deliveredOf(paid.outTradeNo).map(({ type }) => type)).toEqual([
        'order.closed',
        'order.paid',
      ])
    }))
})

describe('refunds', () => {
  const feesOf = async (outTradeNo: string) =>
    (
      await shop.sql(
        'select trade_state, claimed_fee, refunded_fee from orders where out_trade_no = $1',
        [outTradeNo],
      )
    )[0]
  const atWechat = (outTradeNo: string) =>
    shop.wechat.refunds().filter((refund) => refund.outTradeNo === outTradeNo)
  async function waitUntilPaidOut(): Promise<void> {
    shop.advance(3_000)
    await shop.deliverNotifications()
  }

  test('of eight concurrent refunds of 700 fen for a payment of 2800, four are accepted', () =>
    rounds(async (round) => {
      const { outTradeNo } = await shop.sell()
      const answers = await times(8, (index) =>
        post('/api/refund', shop.merchantKey, {
          outTradeNo,
          outRefundNo: `PART-${round}-${index}`,
          refundFee: 700,
        }),
      )
      expect(answers.map(ending).toSorted()).toEqual([
        ...Array(4).fill('202 PROCESSING'),
        ...Array(4).fill('409 refund_too_much'),
      ])
      expect(atWechat(outTradeNo).map(({ refundFee }) => refundFee)).toEqual([700, 700, 700, 700])
      expect(await feesOf(outTradeNo)).toEqual({
        trade_state: 'REFUND',
        claimed_fee: 2800,
        refunded_fee: 0,
      })
      await waitUntilPaidOut()
      expect(await feesOf(outTradeNo)).toEqual({
        trade_state: 'REFUND',
        claimed_fee: 2800,
        refunded_fee: 2800,
      })
    }))

  test('eight concurrent requests for one refund make one refund and get the same answer', () =>
    rounds(async (round) => {
      const { outTradeNo } = await shop.sell()
      const outRefundNo = `SAME-${round}`
      const answers = await times(8, () =>
        post('/api/refund', shop.merchantKey, { outTradeNo, outRefundNo, refundFee: 700 }),
      )
      const refundId = atWechat(outTradeNo)[0]?.refundId
      const expected = {
        outRefundNo,
        outTradeNo,
        refundId,
        refundFee: 700,
        refundStatus: 'PROCESSING',
      }
      expect(answers.map(({ status, json }) => ({ status, json }))).toEqual(
        Array(8).fill({ status: 202, json: expected }),
      )
      expect(atWechat(outTradeNo)).toHaveLength(1)
      expect(await feesOf(outTradeNo)).toEqual({
        trade_state: 'REFUND',
        claimed_fee: 700,
        refunded_fee: 0,
      })
      await waitUntilPaidOut()
      expect(await feesOf(outTradeNo)).toEqual({
        trade_state: 'REFUND',
        claimed_fee: 700,
        refunded_fee: 700,
      })
    }))
})

test('four concurrent runs of cron settle each order and refund once, send each event once and read each bill once', () =>
  rounds(async (round) => {
    const startedAt = NOON + (round * 6 + 1) * DAY_MS
    vi.setSystemTime(startedAt)
    // Finish what earlier rounds left open.
    await shop.cron()
    merchant.answer = refuses
    const sales = await times(4, () => shop.sell())
    for (const [index, { outTradeNo }] of sales.entries())
      await post('/api/refund', shop.merchantKey, {
        outTradeNo,
        outRefundNo: `CRON-${round}-${index}`,
        refundFee: 2800,
      })
    const orders = await times(12, () => paidOrder())
    await shop.world.settled()
    vi.setSystemTime(startedAt + 5 * DAY_MS)
    merchant.answer = async (response) => {
      // Long enough for another run to reach the same event.
      await sleep(20)
      accepts(response)
    }
    merchant.deliveries.length = 0

    const runs = await times(4, () => shop.call('GET', '/api/cron', { token: shop.cronSecret }))
    expect(runs.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    await shop.world.settled()
    // One more run, for events that had to wait for an earlier event of their order.
    await shop.cron()

    const sum = (field: string) => runs.reduce((total, { json }) => total + Number(json[field]), 0)
    expect([sum('refunded'), sum('reconciled')]).toEqual([4, 5])
    const typesOf = (outTradeNo: string) => deliveredOf(outTradeNo).map(({ type }) => type)
    for (const { outTradeNo, transactionId } of orders) {
      expect(await ledgerOf(shop, outTradeNo)).toMatchObject({
        payments: [transactionId],
        events: ['order.paid'],
      })
      expect(typesOf(outTradeNo)).toEqual(['order.paid'])
    }
    for (const { outTradeNo } of sales) {
      expect(await ledgerOf(shop, outTradeNo)).toMatchObject({
        order: { refunded_fee: 2800 },
        events: ['order.paid', 'refund.succeeded'],
      })
      expect(typesOf(outTradeNo)).toEqual(['order.paid', 'refund.succeeded'])
    }
    expect(new Set(merchant.deliveries.map(({ id }) => id)).size).toBe(20)
    expect(merchant.deliveries).toHaveLength(20)

    const billsRead = shop
      .calls('bill')
      .filter(({ at }) => at >= startedAt + 5 * DAY_MS)
      .map(({ url, request }) => BILL_DATE.exec(`${url} ${request}`)?.[0].replaceAll('-', ''))
    expect([billsRead.length, new Set(billsRead).size]).toEqual([5, 5])
  }))

test('twenty concurrent prepay requests of payer and merchant are one order at WeChat with one prepay_id', () =>
  rounds(async () => {
    const token = await shop.logIn()
    const outTradeNo = await shop.placeOrder(token)
    const log = listenToLog()
    const answers = await times(20, (index) =>
      post('/api/prepay', index % 4 === 0 ? shop.merchantKey : token, { outTradeNo }),
    )
    expect(answers.map(ending)).toEqual(Array(20).fill('200'))
    const packages = new Set(answers.map(({ json }) => textOf(json, 'package')))
    expect(packages.size).toBe(1)
    // A caller that waits too long for Redis, on a busy machine, goes on without it.
    const late = log.filter((line) => line.includes('redis_down')).length
    const calls = shop.calls('prepay', outTradeNo).length
    expect(calls).toBeGreaterThanOrEqual(1)
    expect(calls).toBeLessThanOrEqual(1 + late)
    expect(shop.wechat.orders().filter((order) => order.outTradeNo === outTradeNo)).toHaveLength(1)
    const paid = answers.filter(
      ({ json }) => shop.wechat.pay(toPayment(json)).errMsg === 'requestPayment:ok',
    )
    expect(paid).toHaveLength(1)
    expect(
      shop.wechat.notifications().filter((sent) => sent.outTradeNo === outTradeNo),
    ).toHaveLength(1)
  }))
