import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { ledgerOf } from '../stores/ledger-rows.ts'
import { redis } from '../stores/redis-command.ts'
import { openOrder } from '../support/attacked-shop.ts'
import type { Message, PaymentFacts } from '../support/messages/message.ts'
import {
  newTransactionId,
  NOT_NOW,
  paymentMessage,
  sentMessage,
  TAKEN,
  transactionOf,
} from '../support/messages/messages.ts'
import { inProtocol } from '../support/mode.ts'
import { paidAfterClosing } from '../support/paid-after-closing.ts'
import { openShop, type Shop } from '../support/shop.ts'

let shop: Shop
beforeAll(async () => {
  shop = await openShop()
  // The simulator sends no notification by itself; a test that needs one delivers it.
  await shop.wechat.stop()
})
afterAll(() => shop.close())
afterEach(async () => {
  shop.world.faults.database.up()
  shop.world.faults.redis.up()
  shop.wechat.clearFaults()
  await shop.deliverNotifications()
})

const notify = async (message: Message) => {
  const { status, code } = await shop.notify(message)
  return { status, code }
}
async function paidAtWechat(): Promise<{ token: string; outTradeNo: string }> {
  const order = await openOrder(shop)
  await shop.pay(order.token, order.outTradeNo)
  return order
}
const paidOnce = (transactionId: string) => ({
  order: { trade_state: 'SUCCESS', transaction_id: transactionId },
  payments: [transactionId],
  incidents: [],
  events: ['order.paid'],
})
const thirty = async (notification: Message) =>
  Promise.all(Array.from({ length: 30 }, () => notify(notification)))
const attempts = (outTradeNo: string) =>
  shop.wechat.notifications().find((sent) => sent.outTradeNo === outTradeNo)?.attempts.length

describe('copies of one notification', () => {
  test('thirty concurrent copies are all acknowledged and have the effect of one', async () => {
    const { outTradeNo } = await paidAtWechat()
    expect(await thirty(sentMessage(shop, outTradeNo))).toEqual(Array(30).fill(TAKEN))
    await shop.world.settled()
    expect(await ledgerOf(shop, outTradeNo)).toMatchObject(
      paidOnce(transactionOf(shop, outTradeNo)),
    )
    expect(shop.world.events.filter(({ body }) => body.includes(outTradeNo))).toHaveLength(1)
  })

  test('thirty concurrent copies without Redis also have the effect of one', async () => {
    const { outTradeNo } = await paidAtWechat()
    shop.world.faults.redis.down()
    expect(await thirty(sentMessage(shop, outTradeNo))).toEqual(Array(30).fill(TAKEN))
    expect(await ledgerOf(shop, outTradeNo)).toMatchObject(
      paidOnce(transactionOf(shop, outTradeNo)),
    )
  })

  test('fifteen consecutive copies are all acknowledged and have the effect of one', async () => {
    const { outTradeNo } = await paidAtWechat()
    for (let copy = 0; copy < 15; copy += 1)
      expect(await notify(sentMessage(shop, outTradeNo))).toEqual(TAKEN)
    expect(await ledgerOf(shop, outTradeNo)).toMatchObject(
      paidOnce(transactionOf(shop, outTradeNo)),
    )
  })

  test('a copy that arrives a day later changes nothing', async () => {
    const { outTradeNo } = await paidAtWechat()
    await shop.deliverNotifications()
    const before = await ledgerOf(shop, outTradeNo)
    shop.advance(86_400_000)
    expect(await notify(sentMessage(shop, outTradeNo))).toEqual(TAKEN)
    expect(await ledgerOf(shop, outTradeNo)).toEqual(before)
  })

  test('concurrent notifications of fifteen orders settle each its own order', async () => {
    const orders = await Promise.all(Array.from({ length: 15 }, () => paidAtWechat()))
    const answers = await Promise.all(
      orders.map(({ outTradeNo }) => notify(sentMessage(shop, outTradeNo))),
    )
    expect(answers).toEqual(Array(15).fill(TAKEN))
    for (const { outTradeNo } of orders)
      expect(await ledgerOf(shop, outTradeNo)).toMatchObject(
        paidOnce(transactionOf(shop, outTradeNo)),
      )
  })

  test('of two concurrent payments for one order, one settles it and the other is an incident', async () => {
    const { outTradeNo } = await openOrder(shop)
    const codes = await Promise.all([1, 2].map(() => notify(paymentMessage(shop, outTradeNo))))
    expect(codes.map(({ code }) => code).toSorted()).toEqual(['FAIL', 'SUCCESS'])
    expect(await ledgerOf(shop, outTradeNo)).toMatchObject({
      order: { trade_state: 'SUCCESS' },
      incidents: ['transaction'],
    })
  })
})

describe('under faults', () => {
  test('a payment does not wait until the lock of a dead instance expires', async () => {
    const { outTradeNo } = await paidAtWechat()
    await redis(shop.world, 'SET', `wxpay:notice:${outTradeNo}`, 'a dead instance', 'PX', 60_000)
    expect(await notify(sentMessage(shop, outTradeNo))).toEqual(TAKEN)
    expect(await redis(shop.world, 'GET', `wxpay:notice:${outTradeNo}`)).toBe('a dead instance')
    expect(await ledgerOf(shop, outTradeNo)).toMatchObject(
      paidOnce(transactionOf(shop, outTradeNo)),
    )
  })

  test('the lock of another instance is not released', async () => {
    const { outTradeNo } = await paidAtWechat()
    await redis(shop.world, 'SET', `wxpay:notice:${outTradeNo}`, 'another instance', 'PX', 9_000)
    await notify(sentMessage(shop, outTradeNo))
    await shop.world.settled()
    expect(await redis(shop.world, 'GET', `wxpay:notice:${outTradeNo}`)).toBe('another instance')
  })

  test('a notification that failed is repeated on WeChat’s schedule and settles the order once the database is up', async () => {
    const { outTradeNo } = await paidAtWechat()
    shop.world.faults.database.down()
    expect(await shop.deliverNotifications()).toBe(1)
    shop.advance(15_000)
    expect(await shop.deliverNotifications()).toBe(1)
    shop.world.faults.database.up()
    shop.advance(14_999)
    expect(await shop.deliverNotifications()).toBe(0)
    shop.advance(1)
    expect(await shop.deliverNotifications()).toBe(1)
    expect(await ledgerOf(shop, outTradeNo)).toMatchObject(
      paidOnce(transactionOf(shop, outTradeNo)),
    )
    shop.advance(86_400_000)
    expect(await shop.deliverNotifications()).toBe(0)
    expect(attempts(outTradeNo)).toBe(3)
  })

  test('a lost acknowledgement is repeated, and the payment counts once', async () => {
    const { outTradeNo } = await paidAtWechat()
    shop.wechat.misbehave({ on: 'notify', do: 'lose-answer', times: 1 })
    await shop.deliverNotifications()
    shop.advance(15_000)
    expect(await shop.deliverNotifications()).toBe(1)
    expect(await ledgerOf(shop, outTradeNo)).toMatchObject(
      paidOnce(transactionOf(shop, outTradeNo)),
    )
  })

  test('a slow database: WeChat gets a failure, does not wait for the payment, and the payment is settled in the background', async () => {
    const { outTradeNo } = await paidAtWechat()
    const notification = sentMessage(shop, outTradeNo)
    shop.world.faults.database.slow(2_400)
    expect(await notify(notification)).toEqual(NOT_NOW)
    shop.world.faults.database.up()
    const paid = paidOnce(transactionOf(shop, outTradeNo))
    for (
      let look = 0;
      look < 40 && (await ledgerOf(shop, outTradeNo))['payments']?.toString() === '';
      look += 1
    )
      await sleep(100)
    expect(await ledgerOf(shop, outTradeNo)).toMatchObject(paid)
    expect(await notify(notification)).toEqual(TAKEN)
    expect(await ledgerOf(shop, outTradeNo)).toMatchObject(paid)
  })

  test('a truncated notification is refused in time', async () => {
    const { outTradeNo } = await paidAtWechat()
    shop.wechat.misbehave({ on: 'notify', do: 'stall', times: 1 })
    await shop.deliverNotifications()
    const [attempt] =
      shop.wechat.notifications().find((sent) => sent.outTradeNo === outTradeNo)?.attempts ?? []
    expect(attempt).toMatchObject(
      inProtocol({
        v2: { status: 200, problem: 'return_code is not SUCCESS' },
        v3: { status: 500 },
      }),
    )
    shop.advance(15_000)
    await shop.deliverNotifications()
    expect(await ledgerOf(shop, outTradeNo)).toMatchObject(
      paidOnce(transactionOf(shop, outTradeNo)),
    )
  })
})

describe('a genuine notification is accepted', () => {
  const variants: Record<string, Partial<PaymentFacts>> = {
    'with a discount on a part of the amount': { cashFee: 800 },
    'with a discount on the whole amount': { cashFee: 0 },
    'with an empty attach': { attach: '' },
    'with a padded attach': { attach: '  store=1  ' },
    'with mark-up in its attach': { attach: '<a href="x">&amp;]]></a>' },
    'with line breaks in its attach': { attach: 'one\ntwo\n' },
    'without a currency': { feeType: null },
    'with an unknown bank': { bankType: 'MARS_CREDIT' },
  }
  test.each(Object.entries(variants))('%s', async (_name, changes) => {
    const { outTradeNo } = await openOrder(shop)
    const transactionId = newTransactionId()
    const notification = paymentMessage(shop, outTradeNo, { ...changes, transactionId })
    expect(await notify(notification)).toEqual(TAKEN)
    expect(await ledgerOf(shop, outTradeNo)).toMatchObject(paidOnce(transactionId))
  })

  test('without the bank and the cash amount, in v2 once WeChat confirms it', async () => {
    const { outTradeNo } = await paidAtWechat()
    const transactionId = transactionOf(shop, outTradeNo)
    const notification = paymentMessage(shop, outTradeNo, {
      transactionId,
      bankType: null,
      cashFee: null,
    })
    expect(await notify(notification)).toEqual(TAKEN)
    expect(shop.calls('query', outTradeNo)).toHaveLength(inProtocol({ v2: 1, v3: 0 }))
    expect(await ledgerOf(shop, outTradeNo)).toMatchObject(paidOnce(transactionId))
  })

  test('for an order that was closed here, which becomes paid', async () => {
    const { token, outTradeNo } = await paidAfterClosing(shop)
    expect(await notify(sentMessage(shop, outTradeNo))).toEqual(TAKEN)
    expect(await shop.query(token, outTradeNo)).toMatchObject({
      tradeState: 'SUCCESS',
      totalFee: 2800,
    })
    expect(await ledgerOf(shop, outTradeNo)).toMatchObject({
      events: ['order.closed', 'order.paid'],
    })
  })
})
