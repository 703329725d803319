/**
 * Races between two instances with separate connections. After every round the ledger must be in an
 * allowed state.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { confirm, type Confirmation } from '../../lib/core/confirmation.ts'
import { parseOpenid, parseOutTradeNo } from '../../lib/core/ids.ts'
import { toFen } from '../../lib/core/money.ts'
import { isPaid, type Order } from '../../lib/core/order.ts'
import type { Incident, Ledger, OrderDraft, Outbox } from '../../lib/ports.ts'
import { createLedger } from '../../lib/stores/ledger.ts'
import { connect } from '../../lib/stores/neon.ts'
import { createOutbox } from '../../lib/stores/outbox.ts'
import { newTransactionId } from '../support/messages/messages.ts'
import { theAccount } from '../support/latte.ts'
import { must } from '../support/must.ts'
import { openShop, type Shop } from '../support/shop.ts'
import { ledgerOf } from './ledger-rows.ts'

const ROUNDS = 20
const AT = new Date('2025-01-02T03:04:05+08:00')
const PRICE = must(toFen(2800))

let shop: Shop
let one: Ledger & Outbox
let other: Ledger & Outbox
beforeAll(async () => {
  shop = await openShop()
  const open = () => {
    const sql = connect(shop.world.env['DATABASE_URL'] ?? '', shop.world.env['NEON_HTTP_ENDPOINT'])
    return { ...createLedger(sql), ...createOutbox(sql) }
  }
  one = open()
  other = open()
})
afterAll(() => shop.close())

let count = 0
const draft = (over: Partial<OrderDraft> = {}): OrderDraft => ({
  outTradeNo: must(parseOutTradeNo(`T20250102${String((count += 1)).padStart(8, '0')}`)),
  account: theAccount,
  openid: must(parseOpenid('oDemo000000000000000000User1')),
  attach: null,
  clientIp: '192.0.2.1',
  notifyUrl: 'https://shop.example/api/notify',
  createdAt: AT,
  timeExpire: new Date(AT.getTime() + 7_200_000),
  requestKey: null,
  requestHash: 'a',
  ...over,
})
const priced = { totalFee: PRICE, body: '拿铁' }
async function place(): Promise<Order> {
  const placed = await one.placePriced(draft(), priced)
  if (placed.outcome !== 'placed') throw new Error(placed.outcome)
  return placed.order
}
const payment = ({ outTradeNo }: Order, transactionId = newTransactionId()): Confirmation =>
  confirm({
    outTradeNo,
    transactionId,
    totalFee: PRICE,
    feeType: 'CNY',
    cashFee: 2800,
    bankType: 'OTHERS',
    openid: 'oDemo000000000000000000User1',
    paidAt: AT,
  })
/**
 * Runs four calls simultaneously, two on each instance. An error in any of them fails the round.
 */
const race = <T>(work: (ledger: Ledger & Outbox, index: number) => Promise<T>): Promise<T[]> =>
  Promise.all([one, other, one, other].map((ledger, index) => work(ledger, index)))
const rounds = async (round: () => Promise<void>) => {
  for (let index = 0; index < ROUNDS; index += 1) await round()
}

describe('four simultaneous calls:', () => {
  test('a payment that is reported four times is stored once', () =>
    rounds(async () => {
      const order = await place()
      const confirmation = payment(order)
      const settled = await race((ledger) => ledger.settle(order, confirmation, 'notify', AT, null))
      expect(settled.filter((result) => result !== 'other_payment' && result.moved)).toHaveLength(1)
      expect(
        settled.map((result) => result !== 'other_payment' && result.order.transactionId),
      ).toEqual(Array(4).fill(confirmation.transactionId))
      expect(await ledgerOf(shop, order.outTradeNo)).toMatchObject({
        order: { trade_state: 'SUCCESS', transaction_id: confirmation.transactionId },
        payments: [confirmation.transactionId],
        events: ['order.paid'],
      })
    }))

  test('one of four payments for an order pays it, and the other callers are told', () =>
    rounds(async () => {
      const order = await place()
      const settled = await race((ledger) =>
        ledger.settle(order, payment(order), 'notify', AT, null),
      )
      expect(settled.filter((result) => result === 'other_payment')).toHaveLength(3)
      const { payments, events } = await ledgerOf(shop, order.outTradeNo)
      expect([payments, events]).toEqual([[expect.stringMatching(/^\d{28}$/)], ['order.paid']])
    }))

  test('one payment number pays one of four orders', () =>
    rounds(async () => {
      const orders = [await place(), await place(), await place(), await place()]
      const transactionId = newTransactionId()
      const settled = await Promise.all(
        orders.map((order, index) =>
          (index % 2 === 0 ? one : other).settle(
            order,
            payment(order, transactionId),
            'notify',
            AT,
            null,
          ),
        ),
      )
      expect(settled.filter((result) => result === 'other_payment')).toHaveLength(3)
      const states = await Promise.all(
        orders.map(async ({ outTradeNo }) => (await one.find({ outTradeNo }))?.tradeState),
      )
      expect(states.toSorted()).toEqual(['NOTPAY', 'NOTPAY', 'NOTPAY', 'SUCCESS'])
    }))

  test('a payment wins over a close, which either came first or returns the paid order', () =>
    rounds(async () => {
      const order = await place()
      const confirmation = payment(order)
      const seen = await race(async (ledger, index) =>
        index < 2
          ? ledger.close(order, index === 0, AT)
          : ledger.settle(order, confirmation, 'query', AT, null),
      )
      expect(
        seen
          .slice(2)
          .map((result) => result !== 'other_payment' && 'order' in result && isPaid(result.order)),
      ).toEqual([true, true])
      const { order: row, payments, events } = await ledgerOf(shop, order.outTradeNo)
      expect(row).toMatchObject({ trade_state: 'SUCCESS' })
      expect(payments).toEqual([confirmation.transactionId])
      expect([['order.paid'], ['order.closed', 'order.paid']]).toContainEqual(events)
    }))

  test('a close that comes after a payment returns the paid order', async () => {
    const order = await place()
    await one.settle(order, payment(order), 'notify', AT, null)
    expect(isPaid(await other.close(order, true, AT))).toBe(true)
  })

  test('four closes are one close, and stay closed at WeChat if one of them was', () =>
    rounds(async () => {
      const order = await place()
      const closed = await race((ledger, index) => ledger.close(order, index === 2, AT))
      expect(closed.map(({ tradeState }) => tradeState)).toEqual([
        'CLOSED',
        'CLOSED',
        'CLOSED',
        'CLOSED',
      ])
      expect(await ledgerOf(shop, order.outTradeNo)).toMatchObject({
        order: { trade_state: 'CLOSED', closed_at_wechat: true },
        payments: [],
        events: ['order.closed'],
      })
    }))

  test('four requests with one order number and content are one order', () =>
    rounds(async () => {
      const same = draft()
      const placed = await race((ledger) => ledger.placePriced(same, priced))
      expect(placed.map(({ outcome }) => outcome).toSorted()).toEqual([
        'placed',
        'repeated',
        'repeated',
        'repeated',
      ])
    }))

  test('one of four requests with one order number and different content places the order', () =>
    rounds(async () => {
      const same = draft()
      const placed = await race((ledger, index) =>
        ledger.placePriced({ ...same, requestHash: `hash ${index}` }, priced),
      )
      expect(placed.map(({ outcome }) => outcome).toSorted()).toEqual([
        'conflict',
        'conflict',
        'conflict',
        'placed',
      ])
    }))

  test('four requests with one Idempotency-Key are one order', () =>
    rounds(async () => {
      const requestKey = `user:one:${(count += 1)}`
      const placed = await race((ledger) =>
        ledger.placeFromCatalogue(draft({ requestKey }), [{ sku: 'latte', quantity: 1 }], 50),
      )
      expect(placed.map(({ outcome }) => outcome).toSorted()).toEqual([
        'placed',
        'repeated',
        'repeated',
        'repeated',
      ])
      expect(
        new Set(placed.map((result) => 'order' in result && result.order.outTradeNo)).size,
      ).toBe(1)
    }))

  test('one of four requests with one Idempotency-Key and different content places the order', () =>
    rounds(async () => {
      const requestKey = `user:two:${(count += 1)}`
      const placed = await race((ledger, index) =>
        ledger.placePriced(draft({ requestKey, requestHash: `hash ${index}` }), priced),
      )
      expect(placed.map(({ outcome }) => outcome).toSorted()).toEqual([
        'conflict',
        'conflict',
        'conflict',
        'placed',
      ])
    }))

  test('a contradiction that is reported four times is one incident', () =>
    rounds(async () => {
      const { outTradeNo } = await place()
      const incident: Incident = {
        kind: 'amount',
        outTradeNo,
        expected: { totalFee: 2800 },
        received: { totalFee: 1 },
        source: 'notify',
        at: AT,
      }
      await race((ledger) => ledger.recordIncident(incident))
      expect(await ledgerOf(shop, outTradeNo)).toMatchObject({
        incidents: ['amount'],
        events: ['payment.incident'],
      })
    }))

  test('a payment of an unknown order that bill and query report together is one incident, of the query', () =>
    rounds(async () => {
      const { outTradeNo } = draft()
      const incident = {
        kind: 'order',
        outTradeNo,
        expected: {},
        received: { transactionId: newTransactionId() },
        at: AT,
      }
      await race((ledger, index) =>
        ledger.recordIncident({ ...incident, source: index % 2 === 0 ? 'cron' : 'query' }),
      )
      expect(await ledgerOf(shop, outTradeNo)).toMatchObject({
        incidents: ['order'],
        events: ['payment.incident'],
      })
      expect(
        await shop.sql('select source from incidents where out_trade_no = $1', [outTradeNo]),
      ).toEqual([{ source: 'query' }])
    }))
})

describe('two simultaneous cron runs share the work:', () => {
  let clock = Date.parse('2030-01-01T00:00:00Z')
  const later = () => new Date((clock += 3_600_000))

  test('no unfinished order is taken twice', async () => {
    await shop.sql(
      `update orders set trade_state = 'CLOSED', closed_at = now(), closed_at_wechat = true where trade_state = 'NOTPAY'`,
    )
    const orders = await Promise.all(Array.from({ length: 12 }, place))
    for (let round = 0; round < ROUNDS; round += 1) {
      const at = later()
      const taken: string[] = []
      for (let batches = 1; batches > 0;) {
        const found = (await race((ledger) => ledger.takeUnfinished(2, at, at))).flat()
        taken.push(...found.map(({ outTradeNo }) => outTradeNo))
        batches = found.length
      }
      expect(taken.toSorted()).toEqual(orders.map(({ outTradeNo }) => outTradeNo).toSorted())
    }
  })

  test('no event is taken twice, or before an earlier event of its order', async () => {
    await shop.sql(
      'update events set delivered_at = now(), next_attempt_at = null where delivered_at is null',
    )
    const orders = await Promise.all(Array.from({ length: 8 }, place))
    for (const order of orders) {
      await one.close(order, false, AT)
      await one.settle(order, payment(order), 'notify', AT, null)
    }
    for (let round = 0; round < ROUNDS; round += 1) {
      const at = later()
      const taken = (
        await race((ledger) => ledger.takeDue(3, at, new Date(at.getTime() + 30_000)))
      ).flat()
      expect(new Set(taken.map(({ id }) => id)).size).toBe(taken.length)
      expect(new Set(taken.map(({ type }) => type))).toEqual(new Set(['order.closed']))
    }
    const at = later()
    for (const event of await one.takeDue(100, at, at)) await one.markDelivered(event.id, at)
    expect((await other.takeDue(100, at, at)).map(({ type }) => type)).toEqual(
      Array(8).fill('order.paid'),
    )
  })
})
