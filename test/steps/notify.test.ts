import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import {
  genuineNotification,
  newTransactionId,
  notificationFields,
  openOrder,
  sentNotification,
  transactionOf,
  writeNotification,
} from './notifications.ts'
import { ledgerOf } from '../stores/ledger-rows.ts'
import { redis } from '../stores/redis-command.ts'
import { openShop, toPayment, type Shop } from '../support/shop.ts'

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

const OK = { status: 200, code: 'SUCCESS' }
const FAIL = { status: 200, code: 'FAIL' }
const notify = async (body: string) => {
  const { status, code } = await shop.notify(body)
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
const thirty = async (notification: string) =>
  Promise.all(Array.from({ length: 30 }, () => notify(notification)))
const attempts = (outTradeNo: string) =>
  shop.wechat.notifications().find((sent) => sent.outTradeNo === outTradeNo)?.attempts.length

describe('copies of one notification', () => {
  test('thirty concurrent copies are all acknowledged and have the effect of one', async () => {
    const { outTradeNo } = await paidAtWechat()
    expect(await thirty(sentNotification(shop, outTradeNo))).toEqual(Array(30).fill(OK))
    await shop.world.settled()
    expect(await ledgerOf(shop, outTradeNo)).toMatchObject(
      paidOnce(transactionOf(shop, outTradeNo)),
    )
    expect(shop.world.events.filter(({ body }) => body.includes(outTradeNo))).toHaveLength(1)
  })

  test('thirty concurrent copies without Redis also have the effect of one', async () => {
    const { outTradeNo } = await paidAtWechat()
    shop.world.faults.redis.down()
    expect(await thirty(sentNotification(shop, outTradeNo))).toEqual(Array(30).fill(OK))
    expect(await ledgerOf(shop, outTradeNo)).toMatchObject(
      paidOnce(transactionOf(shop, outTradeNo)),
    )
  })

  test('fifteen consecutive copies are all acknowledged and have the effect of one', async () => {
    const { outTradeNo } = await paidAtWechat()
    for (let copy = 0; copy < 15; copy += 1)
      expect(await notify(sentNotification(shop, outTradeNo))).toEqual(OK)
    expect(await ledgerOf(shop, outTradeNo)).toMatchObject(
      paidOnce(transactionOf(shop, outTradeNo)),
    )
  })

  test('a copy that arrives a day later changes nothing', async () => {
    const { outTradeNo } = await paidAtWechat()
    await shop.deliverNotifications()
    const before = await ledgerOf(shop, outTradeNo)
    shop.advance(86_400_000)
    expect(await notify(sentNotification(shop, outTradeNo))).toEqual(OK)
    expect(await ledgerOf(shop, outTradeNo)).toEqual(before)
  })

  test('concurrent notifications of fifteen orders settle each its own order', async () => {
    const orders = await Promise.all(Array.from({ length: 15 }, () => paidAtWechat()))
    const answers = await Promise.all(
      orders.map(({ outTradeNo }) => notify(sentNotification(shop, outTradeNo))),
    )
    expect(answers).toEqual(Array(15).fill(OK))
    for (const { outTradeNo } of orders)
      expect(await ledgerOf(shop, outTradeNo)).toMatchObject(
        paidOnce(transactionOf(shop, outTradeNo)),
      )
  })

  test('of two concurrent payments for one order, one settles it and the other is an incident', async () => {
    const { outTradeNo } = await openOrder(shop)
    const codes = await Promise.all([1, 2].map(() => notify(genuineNotification(shop, outTradeNo))))
    expect(codes.map(({ code }) => code).toSorted()).toEqual(['FAIL', 'SUCCESS'])
    expect(await ledgerOf(shop, outTradeNo)).toMatchObject({
      order: { trade_state: 'SUCCESS' },
      incidents: ['transaction'],
    })
  })
})

describe('under faults', () => {
  test('a lock of a dead instance delays the payment only briefly', async () => {
    const { outTradeNo } = await paidAtWechat()
    await redis(shop.world, 'SET', `wxpay:notice:${outTradeNo}`, 'a dead instance', 'PX', 9_000)
    const startedAt = performance.now()
    expect(await notify(sentNotification(shop, outTradeNo))).toEqual(OK)
    expect(performance.now() - startedAt).toBeLessThan(1_500)
    expect(await ledgerOf(shop, outTradeNo)).toMatchObject(
      paidOnce(transactionOf(shop, outTradeNo)),
    )
  })

  test('the lock of another instance is not released', async () => {
    const { outTradeNo } = await paidAtWechat()
    await redis(shop.world, 'SET', `wxpay:notice:${outTradeNo}`, 'another instance', 'PX', 9_000)
    await notify(sentNotification(shop, outTradeNo))
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

  test('a slow database: WeChat gets FAIL in time, and the payment is settled in the background', async () => {
    const { outTradeNo } = await paidAtWechat()
    const notification = sentNotification(shop, outTradeNo)
    shop.world.faults.database.slow(2_400)
    const startedAt = performance.now()
    expect(await notify(notification)).toEqual(FAIL)
    expect(performance.now() - startedAt).toBeLessThan(4_000)
    shop.world.faults.database.up()
    const paid = paidOnce(transactionOf(shop, outTradeNo))
    for (
      let look = 0;
      look < 40 && (await ledgerOf(shop, outTradeNo))['payments']?.toString() === '';
      look += 1
    )
      await sleep(100)
    expect(await ledgerOf(shop, outTradeNo)).toMatchObject(paid)
    expect(await notify(notification)).toEqual(OK)
    expect(await ledgerOf(shop, outTradeNo)).toMatchObject(paid)
  })

  test('a truncated notification is answered FAIL in time', async () => {
    const { outTradeNo } = await paidAtWechat()
    shop.wechat.misbehave({ on: 'notify', do: 'stall', times: 1 })
    await shop.deliverNotifications()
    const [attempt] =
      shop.wechat.notifications().find((sent) => sent.outTradeNo === outTradeNo)?.attempts ?? []
    expect([attempt?.status, attempt?.problem]).toEqual([200, 'return_code is not SUCCESS'])
    shop.advance(15_000)
    await shop.deliverNotifications()
    expect(await ledgerOf(shop, outTradeNo)).toMatchObject(
      paidOnce(transactionOf(shop, outTradeNo)),
    )
  })
})

describe('a genuine notification is accepted', () => {
  const variants: Record<string, Record<string, string>> = {
    'with coupons for a part of the amount': {
      cash_fee: '800',
      coupon_fee: '2000',
      coupon_count: '1',
      coupon_id_0: '10000',
      coupon_fee_0: '2000',
    },
    'with coupons for the whole amount': {
      cash_fee: '0',
      coupon_fee: '2800',
      settlement_total_fee: '0',
    },
    'with empty fields': { attach: '', device_info: '', return_msg: '', err_code: '' },
    'with a padded attach': { attach: '  store=1  ' },
    'with mark-up in its attach': { attach: '<a href="x">&amp;]]></a>' },
    'with line breaks in its attach': { attach: 'one\ntwo\n' },
    'without a currency': { fee_type: '' },
    'with an unknown bank': { bank_type: 'MARS_CREDIT' },
    'that names its signature type': { sign_type: 'HMAC-SHA256' },
  }
  test.each(Object.entries(variants))('%s', async (_name, changes) => {
    const { outTradeNo } = await openOrder(shop)
    const transactionId = newTransactionId()
    expect(
      await notify(
        genuineNotification(shop, outTradeNo, { ...changes, transaction_id: transactionId }),
      ),
    ).toEqual(OK)
    expect(await ledgerOf(shop, outTradeNo)).toMatchObject(paidOnce(transactionId))
  })

  test.each(
    Object.entries({
      'with a new field': { brand_new_field: '新' },
      'without the bank and the cash amount': { bank_type: '', cash_fee: '' },
    }),
  )('%s, once WeChat confirms it', async (_name, changes) => {
    const { outTradeNo } = await paidAtWechat()
    const transactionId = transactionOf(shop, outTradeNo)
    const before = shop.countCalls('/pay/orderquery')
    expect(
      await notify(
        genuineNotification(shop, outTradeNo, { ...changes, transaction_id: transactionId }),
      ),
    ).toEqual(OK)
    expect(shop.countCalls('/pay/orderquery') - before).toBe(1)
    expect(await ledgerOf(shop, outTradeNo)).toMatchObject(paidOnce(transactionId))
  })

  test('with a new field, once WeChat answers again', async () => {
    const { outTradeNo } = await paidAtWechat()
    const transactionId = transactionOf(shop, outTradeNo)
    const notification = genuineNotification(shop, outTradeNo, {
      brand_new_field: '1',
      transaction_id: transactionId,
    })
    shop.wechat.misbehave({ on: 'orderquery', do: 'http-500', times: 1 })
    expect(await notify(notification)).toEqual(FAIL)
    expect(await ledgerOf(shop, outTradeNo)).toMatchObject({
      order: { trade_state: 'NOTPAY' },
      payments: [],
      incidents: [],
    })
    expect(await notify(notification)).toEqual(OK)
    expect(await ledgerOf(shop, outTradeNo)).toMatchObject(paidOnce(transactionId))
  })

  test('signed with MD5 while we sign with HMAC-SHA256', async () => {
    const { outTradeNo } = await openOrder(shop)
    const fields = notificationFields(shop, outTradeNo)
    expect(await notify(writeNotification(fields, shop.world.env.WECHAT_PAY_KEY, 'MD5'))).toEqual(
      OK,
    )
    expect(await ledgerOf(shop, outTradeNo)).toMatchObject(
      paidOnce(fields.get('transaction_id') ?? ''),
    )
  })

  test('without CDATA, over several lines, after an XML prologue', async () => {
    const { outTradeNo } = await openOrder(shop)
    const plain = genuineNotification(shop, outTradeNo)
      .replaceAll(/<!\[CDATA\[(.*?)\]\]>/g, '$1')
      .replaceAll('><', '>\n  <')
    expect(await notify(`<?xml version="1.0" encoding="UTF-8"?>\n${plain}\n`)).toEqual(OK)
    expect(await ledgerOf(shop, outTradeNo)).toMatchObject({ order: { trade_state: 'SUCCESS' } })
  })

  test('of exactly 64 KiB', async () => {
    const { outTradeNo } = await openOrder(shop)
    const room =
      65_536 - Buffer.byteLength(genuineNotification(shop, outTradeNo, { attach: '-' })) + 1
    expect(
      await notify(genuineNotification(shop, outTradeNo, { attach: 'x'.repeat(room) })),
    ).toEqual(OK)
  })

  test('for an order that was closed here, which becomes paid', async () => {
    const { token, outTradeNo } = await paidAfterClose()
    expect(await notify(sentNotification(shop, outTradeNo))).toEqual(OK)
    expect(await shop.query(token, outTradeNo)).toMatchObject({
      tradeState: 'SUCCESS',
      totalFee: 2800,
    })
    expect(await ledgerOf(shop, outTradeNo)).toMatchObject({
      events: ['order.closed', 'order.paid'],
    })
  })
})

/**
 * An order that is closed here in its first five minutes, before WeChat closes it, and is then
 * paid.
 */
async function paidAfterClose(): Promise<{ token: string; outTradeNo: string }> {
  const { token, outTradeNo } = await openOrder(shop)
  const payment = await shop.prepay(token, outTradeNo)
  const closed = await shop.call('POST', '/api/close', { token, body: { outTradeNo } })
  expect(closed.json['tradeState']).toBe('CLOSED')
  expect(shop.wechat.pay(toPayment(payment)).errMsg).toBe('requestPayment:ok')
  return { token, outTradeNo }
}
