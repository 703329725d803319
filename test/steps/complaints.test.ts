/** The shop learns of each complaint once, and is warned before each deadline. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  complain,
  complaintEvents,
  complaintRow,
  complaintTypes,
  HOUR_MS,
  openComplainedShop,
} from '../support/complaints.ts'
import { createInstance } from '../../lib/composition.ts'
import { findMissedComplaints } from '../../lib/steps/watch-complaints.ts'
import { textOf, type Shop } from '../support/shop.ts'
import { listenToLog } from './log-lines.ts'

let shop: Shop
beforeAll(async () => {
  shop = await openComplainedShop()
})
beforeEach(() => shop.wechat.clearFaults())
afterEach(async () => {
  vi.restoreAllMocks()
  shop.wechat.clearFaults()
  // Complaints of an earlier test would be warned about in a later one.
  await shop.sql('delete from complaints')
})
afterAll(() => shop.close())

describe('a new complaint', () => {
  test('is one event with its order, its payer and both deadlines', async () => {
    const { complaintId, outTradeNo } = await complain(shop, { detail: '杯子是坏的' })
    await shop.deliverNotifications()
    const [order] = await shop.sql(
      'select openid, transaction_id from orders where out_trade_no = $1',
      [outTradeNo],
    )
    const [event, ...others] = await complaintEvents(shop, complaintId)
    expect(others).toEqual([])
    expect(event).toMatchObject({
      type: 'complaint.created',
      state: 'PENDING',
      outTradeNo,
      openid: order?.['openid'],
      transactionId: order?.['transaction_id'],
      totalFee: 2800,
    })
    const between = (later: string) =>
      Date.parse(textOf(event ?? {}, later)) - Date.parse(textOf(event ?? {}, 'complainedAt'))
    expect(between('replyBy')).toBe(24 * HOUR_MS)
    expect(between('finishBy')).toBe(72 * HOUR_MS)
    expect(JSON.stringify(event)).not.toContain('杯子是坏的')
    expect(shop.world.events.filter(({ body }) => body.includes(complaintId))).toHaveLength(1)
  })

  test('that is notified fifteen times at the same time is reported once', async () => {
    shop.wechat.misbehave({ on: 'notify', do: 'repeat', copies: 15 })
    const { complaintId } = await complain(shop)
    await shop.deliverNotifications()
    expect(await complaintTypes(shop, complaintId)).toEqual(['complaint.created'])
  })

  test('about an order that is not here is stored without an order', async () => {
    const { complaintId, outTradeNo } = await complain(shop)
    const orders = shop.wechat.orders()
    const order = orders.find((one) => one.outTradeNo === outTradeNo)
    // As if another system had placed the order.
    await shop.sql('delete from events where out_trade_no = $1', [outTradeNo])
    await shop.sql(
      'with paid as (delete from payments where out_trade_no = $1) delete from orders where out_trade_no = $1',
      [outTradeNo],
    )
    await shop.deliverNotifications()
    expect(await complaintRow(shop, complaintId)).toMatchObject({
      state: 'PENDING',
      out_trade_no: null,
      openid: order?.openid,
    })
    expect(await complaintEvents(shop, complaintId)).toMatchObject([
      { type: 'complaint.created', outTradeNo: null },
    ])
  })

  test('is acknowledged and asked about later if WeChat does not answer now', async () => {
    shop.wechat.misbehave({ on: 'complaint-query', do: 'http-500', times: 2 })
    const { complaintId } = await complain(shop)
    await shop.deliverNotifications()
    expect(shop.wechat.notifications().at(-1)).toMatchObject({ acknowledged: true })
    expect(await complaintRow(shop, complaintId)).toMatchObject({ state: null, attempts: 1 })
    expect(await complaintTypes(shop, complaintId)).toEqual([])
    shop.wechat.clearFaults()
    shop.advance(61_000)
    await shop.cron()
    expect(await complaintTypes(shop, complaintId)).toEqual(['complaint.created'])
  })

  test('that WeChat does not know at first is asked about again', async () => {
    const missing = { errCode: 'RESOURCE_NOT_EXISTS', do: 'err-code' } as const
    shop.wechat.misbehave({ on: 'complaint-query', ...missing, times: 1 })
    const { complaintId } = await complain(shop)
    await shop.deliverNotifications()
    expect(await complaintRow(shop, complaintId)).toMatchObject({ state: null, attempts: 1 })
    shop.advance(61_000)
    await shop.cron()
    expect(await complaintTypes(shop, complaintId)).toEqual(['complaint.created'])
  })

  test('whose notification is lost is found by cron', async () => {
    shop.wechat.misbehave({ on: 'notify', do: 'drop' })
    const { complaintId } = await complain(shop)
    await shop.deliverNotifications()
    await shop.cron()
    await shop.cron()
    expect(await complaintTypes(shop, complaintId)).toEqual(['complaint.created'])
  })

  test('that cron has no time for is counted in the log, and found by the next run', async () => {
    shop.wechat.misbehave({ on: 'notify', do: 'drop' })
    while (shop.wechat.complaints().length < 51) await complain(shop)
    await shop.deliverNotifications()
    const lines = listenToLog()
    const { deps } = createInstance(shop.world.env)
    const stored = async () => (await shop.sql('select from complaints')).length
    let pages = 0
    await findMissedComplaints(deps, () => (pages += 1) === 1)
    expect(await stored()).toBe(50)
    expect(lines.filter((line) => line.includes('complaints_left_out'))).toEqual([
      expect.stringContaining('"count":1'),
    ])
    lines.length = 0
    await findMissedComplaints(deps, () => true)
    expect([await stored(), lines]).toEqual([51, []])
  })

  test('is not stored if the notification is not genuine', async () => {
    shop.wechat.misbehave({ on: 'notify', do: 'wrong-key' })
    const { complaintId } = await complain(shop)
    await shop.deliverNotifications()
    expect(await complaintRow(shop, complaintId)).toBeUndefined()
  })
})

describe('a change', () => {
  test('updates the complaint, without another event', async () => {
    const { complaintId, outTradeNo } = await complain(shop)
    await shop.deliverNotifications()
    shop.wechat.complain({ outTradeNo })
    await shop.deliverNotifications()
    expect(await complaintRow(shop, complaintId)).toMatchObject({ content: { times: 2 } })
    expect(await complaintTypes(shop, complaintId)).toEqual(['complaint.created'])
  })

  test('that was not notified is found by cron', async () => {
    const { complaintId, outTradeNo } = await complain(shop)
    await shop.deliverNotifications()
    shop.wechat.misbehave({ on: 'notify', do: 'drop' })
    shop.wechat.complain({ outTradeNo })
    await shop.deliverNotifications()
    await shop.cron()
    expect(await complaintRow(shop, complaintId)).toMatchObject({ content: { times: 2 } })
  })
})

describe('a deadline', () => {
  test('of the first reply is announced four hours before, once', async () => {
    const { complaintId } = await complain(shop)
    await shop.deliverNotifications()
    shop.advance(20 * HOUR_MS - 60_000)
    await shop.cron()
    expect(await complaintTypes(shop, complaintId)).toEqual(['complaint.created'])
    shop.advance(120_000)
    await shop.cron()
    await shop.cron()
    expect(await complaintTypes(shop, complaintId)).toEqual([
      'complaint.created',
      'complaint.overdue reply',
    ])
    const [created, overdue] = await complaintEvents(shop, complaintId)
    expect(overdue?.['deadline']).toBe(created?.['replyBy'])
  })

  test('to finish is announced four hours before, once', async () => {
    const { complaintId } = await complain(shop)
    await shop.deliverNotifications()
    for (const hours of [21, 47.5]) {
      shop.advance(hours * HOUR_MS)
      await shop.cron()
    }
    expect(await complaintTypes(shop, complaintId)).toEqual([
      'complaint.created',
      'complaint.overdue reply',
      'complaint.overdue finish',
    ])
  })

  test('of a complaint that is finished at WeChat is not announced, even if that was not notified', async () => {
    const { complaintId } = await complain(shop)
    await shop.deliverNotifications()
    shop.wechat.registerComplaintUrl(null)
    shop.advance(73 * HOUR_MS)
    // WeChat has paid the payer back.
    await shop.cron()
    shop.wechat.registerComplaintUrl(`${shop.world.url}/api/notify`)
    expect(await complaintRow(shop, complaintId)).toMatchObject({ state: 'PROCESSED' })
    expect(await complaintTypes(shop, complaintId)).toEqual(['complaint.created'])
  })

  test('is announced even if WeChat does not answer', async () => {
    const { complaintId } = await complain(shop)
    await shop.deliverNotifications()
    shop.wechat.misbehave({ on: 'complaint-query', do: 'http-500' })
    shop.advance(21 * HOUR_MS)
    await shop.cron()
    expect(await complaintTypes(shop, complaintId)).toEqual([
      'complaint.created',
      'complaint.overdue reply',
    ])
  })

  test('is announced after ordinary requests, too', async () => {
    const { complaintId } = await complain(shop)
    await shop.deliverNotifications()
    shop.advance(21 * HOUR_MS)
    await shop.call('GET', '/api/orders', { token: shop.merchantKey })
    await shop.world.settled()
    expect(await complaintTypes(shop, complaintId)).toEqual([
      'complaint.created',
      'complaint.overdue reply',
    ])
  })
})
