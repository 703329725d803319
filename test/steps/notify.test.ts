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
  // Notifications go out when a test says so, and only then.
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

describe('copies of one notice', () => {
  test('thirty at once are all acknowledged and have the effect of one', async () => {
    const { outTradeNo } = await paidAtWechat()
    expect(await thirty(sentNotification(shop, outTradeNo))).toEqual(Array(30).fill(OK))
    await shop.world.settled()
    expect(await ledgerOf(shop, outTradeNo)).toMatchObject(
      paidOnce(transactionOf(shop, outTradeNo)),
    )
    expect(shop.world.events.filter(({ body }) => body.includes(outTradeNo))).toHaveLength(1)
  })

  test('thirty at once without Redis have the effect of one too', async () => {
    const { outTradeNo } = await paidAtWechat()
    shop.world.faults.redis.down()
    expect(await thirty(sentNotification(shop, outTradeNo))).toEqual(Array(30).fill(OK))
    expect(await ledgerOf(shop, outTradeNo)).toMatchObject(
      paidOnce(transactionOf(shop, outTradeNo)),
    )
  })

  test('fifteen one after another are all acknowledged and have the effect of one', async () => {
    const { outTradeNo } = await paidAtWechat()
    for (let copy = 0; copy < 15; copy += 1)
      expect(await notify(sentNotification(shop, outTradeNo))).toEqual(OK)
    expect(await ledgerOf(shop, outTradeNo)).toMatchObject(
      paidOnce(transactionOf(shop, outTradeNo)),
    )
  })

  test('a copy that comes a day later changes nothing', async () => {
    const { outTradeNo } = await paidAtWechat()
    await shop.deliverNotifications()
    const before = await ledgerOf(shop, outTradeNo)
    shop.advance(86_400_000)
    expect(await notify(sentNotification(shop, outTradeNo))).toEqual(OK)
    expect(await ledgerOf(shop, outTradeNo)).toEqual(before)
  })

  test('notices of fifteen orders at once pay each its own order', async () => {
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

  test('two different payments for one order at once: one pays it, the other is an incident', async () => {
    const { outTradeNo } = await openOrder(shop)
    const codes = await Promise.all([1, 2].map(() => notify(genuineNotification(shop, outTradeNo))))
    expect(codes.map(({ code }) => code).toSorted()).toEqual(['FAIL', 'SUCCESS'])
    expect(await ledgerOf(shop, outTradeNo)).toMatchObject({
      order: { trade_state: 'SUCCESS' },
      incidents: ['transaction'],
    })
  })
})

describe('when something is out of order', () => {
  test('a lock whose holder died delays the payment by a moment only', async () => {
    const { outTradeNo } = await paidAtWechat()
    await redis(shop.world, 'SET', `wxpay:notice:${outTradeNo}`, 'somebody who died', 'PX', 9_000)
    const startedAt = performance.now()
    expect(await notify(sentNotification(shop, outTradeNo))).toEqual(OK)
    expect(performance.now() - startedAt).toBeLessThan(1_500)
    expect(await ledgerOf(shop, outTradeNo)).toMatchObject(
      paidOnce(transactionOf(shop, outTradeNo)),
    )
  })

  test('somebody else’s lock is left alone', async () => {
    const { outTradeNo } = await paidAtWechat()
    await redis(shop.world, 'SET', `wxpay:notice:${outTradeNo}`, 'somebody else', 'PX', 9_000)
    await notify(sentNotification(shop, outTradeNo))
    await shop.world.settled()
    expect(await redis(shop.world, 'GET', `wxpay:notice:${outTradeNo}`)).toBe('somebody else')
  })

  test('a notification nobody could take is repeated on WeChat’s schedule and lands once the database is back', async () => {
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

  test('an acknowledgement that got lost is given again, and nothing happens twice', async () => {
    const { outTradeNo } = await paidAtWechat()
    shop.wechat.misbehave({ on: 'notify', do: 'lose-answer', times: 1 })
    await shop.deliverNotifications()
    shop.advance(15_000)
    expect(await shop.deliverNotifications()).toBe(1)
    expect(await ledgerOf(shop, outTradeNo)).toMatchObject(
      paidOnce(transactionOf(shop, outTradeNo)),
    )
  })

  test('a database too slow for WeChat’s patience: FAIL in time, and the payment is settled all the same', async () => {
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

  test('half a notification is answered FAIL in time', async () => {
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

describe('a genuine notification is taken', () => {
  const variants: Record<string, Record<string, string>> = {
    'with coupons that paid a part': {
      cash_fee: '800',
      coupon_fee: '2000',
      coupon_count: '1',
      coupon_id_0: '10000',
      coupon_fee_0: '2000',
    },
    'with coupons that paid all': { cash_fee: '0', coupon_fee: '2800', settlement_total_fee: '0' },
    'with empty fields': { attach: '', device_info: '', return_msg: '', err_code: '' },
    'with a padded attach': { attach: '  store=1  ' },
    'with an attach full of mark-up': { attach: '<a href="x">&amp;]]></a>' },
    'with line breaks in its attach': { attach: 'one\ntwo\n' },
    'without a currency': { fee_type: '' },
    'with a bank nobody has heard of': { bank_type: 'MARS_CREDIT' },
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
      'with a field that is new': { brand_new_field: '新' },
      'without how it was paid': { bank_type: '', cash_fee: '' },
    }),
  )('%s, once WeChat has been asked whether it is so', async (_name, changes) => {
    const { outTradeNo } = await paidAtWechat()
    const transactionId = transactionOf(shop, outTradeNo)
    const before = shop.asked('/pay/orderquery')
    expect(
      await notify(
        genuineNotification(shop, outTradeNo, { ...changes, transaction_id: transactionId }),
      ),
    ).toEqual(OK)
    expect(shop.asked('/pay/orderquery') - before).toBe(1)
    expect(await ledgerOf(shop, outTradeNo)).toMatchObject(paidOnce(transactionId))
  })

  test('with a field that is new, once WeChat answers again', async () => {
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

  test('signed with MD5 although we sign with HMAC-SHA256', async () => {
    const { outTradeNo } = await openOrder(shop)
    const fields = notificationFields(shop, outTradeNo)
    expect(await notify(writeNotification(fields, shop.world.env.WECHAT_PAY_KEY, 'MD5'))).toEqual(
      OK,
    )
    expect(await ledgerOf(shop, outTradeNo)).toMatchObject(
      paidOnce(fields.get('transaction_id') ?? ''),
    )
  })

  test('without CDATA, over several lines, behind a prologue', async () => {
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

  test('for an order that was closed here: the payer has paid, so it is paid', async () => {
    const { token, outTradeNo } = await paidOpenPhone()
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

/** Closed here in its first five minutes, when WeChat does not close yet, while the phone shows the cashier. */
async function paidOpenPhone(): Promise<{ token: string; outTradeNo: string }> {
  const { token, outTradeNo } = await openOrder(shop)
  const phone = await shop.prepay(token, outTradeNo)
  const closed = await shop.call('POST', '/api/close', { token, body: { outTradeNo } })
  expect(closed.json['tradeState']).toBe('CLOSED')
  expect(shop.wechat.pay(toPayment(phone)).errMsg).toBe('requestPayment:ok')
  return { token, outTradeNo }
}
