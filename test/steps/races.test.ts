/**
 * Races through the whole of it: everybody over HTTP, at the same moment, and afterwards the books must be right. The embedded
 * database has one connection and so only a taste of it; real servers have many, and get more rounds.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { openOrder, sentNotification, transactionOf } from './notifications.ts'
import { openReceiver, refuses, takes, type Receiver } from '../webhook/receiver.ts'
import { ledgerOf } from '../stores/ledger-rows.ts'
import { openShop, textOf, toPayment, type Answer, type Shop } from '../support/shop.ts'

const ROUNDS = process.env['TEST_DATABASE_URL'] === undefined ? 1 : 20
const DAY_MS = 86_400_000
vi.setConfig({ testTimeout: 20_000 + ROUNDS * 3_000 })

/** When WeChat has made yesterday's bill. */
const NOON = Date.parse('2026-11-20T12:00:00+08:00')

let shop: Shop
let merchant: Receiver
beforeAll(async () => {
  merchant = await openReceiver()
  shop = await openShop({ ORDER_WEBHOOK_URL: merchant.url, ORDER_WEBHOOK_SECRET: merchant.secret })
  // Notifications go out when a test says so, and only then.
  await shop.wechat.stop()
})
beforeEach(() => {
  vi.setSystemTime(NOON)
})
afterEach(async () => {
  merchant.answer = takes
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
/** What WeChat was asked for about one order or refund. */
const askedAbout = (path: string, number: string) =>
  shop.wechat.messageLog.filter(
    ({ direction, url, request }) =>
      direction === 'in' && url.includes(path) && request.includes(`[${number}]`),
  ).length
const deliveredOf = (outTradeNo: string) =>
  merchant.deliveries.filter((delivery) => delivery.outTradeNo === outTradeNo)

interface Paid {
  readonly token: string
  readonly outTradeNo: string
  readonly transactionId: string
}

/** Paid at WeChat, and nobody here knows it yet. */
async function paidOrder(): Promise<Paid> {
  const token = await shop.logIn()
  const outTradeNo = await shop.placeOrder(token)
  await shop.pay(token, outTradeNo)
  return { token, outTradeNo, transactionId: transactionOf(shop, outTradeNo) }
}

/** Closed here in its first five minutes, when WeChat does not close yet, and paid on the phone that shows the cashier. */
async function paidAfterClosing(): Promise<Paid> {
  const { token, outTradeNo } = await openOrder(shop)
  const phone = toPayment(await shop.prepay(token, outTradeNo))
  expect(ending(await post('/api/close', token, { outTradeNo }))).toBe('200 CLOSED')
  expect(shop.wechat.pay(phone).errMsg).toBe('requestPayment:ok')
  return { token, outTradeNo, transactionId: transactionOf(shop, outTradeNo) }
}

/** Whoever can bring the news of a payment, all at the same moment; each round another is the first. */
async function everybodyAtOnce(
  { token, outTradeNo, transactionId }: Paid,
  first: number,
): Promise<Record<string, string[]>> {
  const notification = sentNotification(shop, outTradeNo)
  const told = async () => {
    const { status, code } = await shop.notify(notification)
    return `${status} ${code}`
  }
  const asked = async (by: string, reference: string) =>
    ending(await shop.call('GET', `/api/query?${reference}`, { token: by }))
  const callers: [who: string, call: () => Promise<string>][] = [
    ['WeChat', told],
    ['payer', () => asked(token, `outTradeNo=${outTradeNo}`)],
    ['close', async () => ending(await post('/api/close', token, { outTradeNo }))],
    ['cron', async () => ending(await shop.call('GET', '/api/cron', { token: shop.cronSecret }))],
    ['WeChat', told],
    ['merchant', () => asked(shop.merchantKey, `transactionId=${transactionId}`)],
    ['prepay', async () => ending(await post('/api/prepay', token, { outTradeNo }))],
    ['WeChat', told],
    ['close', async () => ending(await post('/api/close', shop.merchantKey, { outTradeNo }))],
    ['WeChat', told],
  ]
  const turn = first % callers.length
  const heard = await Promise.all(
    [...callers.slice(turn), ...callers.slice(0, turn)].map(
      async ([who, call]) => [who, await call()] as const,
    ),
  )
  await shop.world.settled()
  const answers: Record<string, string[]> = {}
  for (const [who, answer] of heard) (answers[who] ??= []).push(answer)
  return answers
}
const ALL_HEARD_OF_IT = {
  WeChat: ['200 SUCCESS', '200 SUCCESS', '200 SUCCESS', '200 SUCCESS'],
  payer: ['200 SUCCESS'],
  merchant: ['200 SUCCESS'],
  close: ['409 order_paid', '409 order_paid'],
  cron: ['200'],
}

describe('one payment brought by notification, query, close, prepay and cron at once', () => {
  test('is one payment and one event, and nobody is told anything else', () =>
    rounds(async (round) => {
      const paid = await paidOrder()
      expect(await everybodyAtOnce(paid, round)).toEqual({
        ...ALL_HEARD_OF_IT,
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

  test('is so too for an order that was closed here in its first five minutes: WeChat’s word is the last', () =>
    rounds(async (round) => {
      const paid = await paidAfterClosing()
      expect(await everybodyAtOnce(paid, round)).toEqual({
        ...ALL_HEARD_OF_IT,
        prepay: ['409 order_paid'],
      })
      expect(await ledgerOf(shop, paid.outTradeNo)).toMatchObject({
        order: { trade_state: 'SUCCESS', transaction_id: paid.transactionId },
        payments: [paid.transactionId],
        incidents: [],
        events: ['order.closed', 'order.paid'],
      })
      // The second of two events waits for the first to be heard, and is sent at the next occasion.
      await shop.cron()
      expect(deliveredOf(paid.outTradeNo).map(({ type }) => type)).toEqual([
        'order.closed',
        'order.paid',
      ])
    }))
})

describe('money back', () => {
  const booksOf = async (outTradeNo: string) =>
    (
      await shop.sql(
        'select trade_state, claimed_fee, refunded_fee from orders where out_trade_no = $1',
        [outTradeNo],
      )
    )[0]
  const atWechat = (outTradeNo: string) =>
    shop.wechat.refunds().filter((refund) => refund.outTradeNo === outTradeNo)
  async function untilPaidOut(): Promise<void> {
    shop.advance(3_000)
    await shop.deliverNotifications()
  }

  test('eight refunds of 700 fen at once, of 2800 fen that were paid: four are given, four are too much', () =>
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
      expect(await booksOf(outTradeNo)).toEqual({
        trade_state: 'REFUND',
        claimed_fee: 2800,
        refunded_fee: 0,
      })
      await untilPaidOut()
      expect(await booksOf(outTradeNo)).toEqual({
        trade_state: 'REFUND',
        claimed_fee: 2800,
        refunded_fee: 2800,
      })
    }))

  test('one refund asked for eight times at once is one refund, and all eight are told the same', () =>
    rounds(async (round) => {
      const { outTradeNo } = await shop.sell()
      const outRefundNo = `SAME-${round}`
      const answers = await times(8, () =>
        post('/api/refund', shop.merchantKey, { outTradeNo, outRefundNo, refundFee: 700 }),
      )
      const refundId = atWechat(outTradeNo)[0]?.refundId
      const told = { outRefundNo, outTradeNo, refundId, refundFee: 700, refundStatus: 'PROCESSING' }
      expect(answers.map(({ status, json }) => ({ status, json }))).toEqual(
        Array(8).fill({ status: 202, json: told }),
      )
      expect(atWechat(outTradeNo)).toHaveLength(1)
      expect(await booksOf(outTradeNo)).toEqual({
        trade_state: 'REFUND',
        claimed_fee: 700,
        refunded_fee: 0,
      })
      await untilPaidOut()
      expect(await booksOf(outTradeNo)).toEqual({
        trade_state: 'REFUND',
        claimed_fee: 700,
        refunded_fee: 700,
      })
    }))
})

test('four runs of cron at once: each order and refund is settled once, each event sent once, each day’s bill read once', () =>
  rounds(async (round) => {
    const startedAt = NOON + (round * 6 + 1) * DAY_MS
    vi.setSystemTime(startedAt)
    // What was left before is no concern of this round.
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
      // Long enough for another run to come by meanwhile.
      await sleep(20)
      takes(response)
    }
    merchant.deliveries.length = 0
    const wireBefore = new Set(shop.wechat.messageLog)

    const runs = await times(4, () => shop.call('GET', '/api/cron', { token: shop.cronSecret }))
    expect(runs.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    await shop.world.settled()
    // For an event that waited for an earlier one of its order while every run came by.
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

    const billsRead = shop.wechat.messageLog
      .filter((message) => !wireBefore.has(message) && message.url.includes('/pay/downloadbill'))
      .map(({ request }) => /<bill_date><!\[CDATA\[(\d+)\]\]>/.exec(request)?.[1])
    expect([billsRead.length, new Set(billsRead).size]).toEqual([5, 5])
  }))

test('twenty taps on pay at once, by the payer and the merchant, are one order at WeChat and one prepay_id', () =>
  rounds(async () => {
    const token = await shop.logIn()
    const outTradeNo = await shop.placeOrder(token)
    const taps = await times(20, (index) =>
      post('/api/prepay', index % 4 === 0 ? shop.merchantKey : token, { outTradeNo }),
    )
    expect(taps.map(ending)).toEqual(Array(20).fill('200'))
    const packages = new Set(taps.map(({ json }) => textOf(json, 'package')))
    expect(packages.size).toBe(1)
    expect(askedAbout('/pay/unifiedorder', outTradeNo)).toBe(1)
    expect(shop.wechat.orders().filter((order) => order.outTradeNo === outTradeNo)).toHaveLength(1)
    const paid = taps.filter(
      ({ json }) => shop.wechat.pay(toPayment(json)).errMsg === 'requestPayment:ok',
    )
    expect(paid).toHaveLength(1)
    expect(
      shop.wechat.notifications().filter((sent) => sent.outTradeNo === outTradeNo),
    ).toHaveLength(1)
  }))
