/** Tests of the shipments port, on an embedded or a real PostgreSQL. */
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { isPaid, type PaidOrder } from '../../lib/core/order.ts'
import type { Shipment } from '../../lib/core/shipment.ts'
import { parseOutTradeNo, type OutTradeNo } from '../../lib/core/ids.ts'
import type { Ledger, ReportedShipment, Shipments } from '../../lib/ports.ts'
import { createInstance } from '../../lib/composition.ts'
import { must } from '../support/must.ts'
import { openShop, type Shop } from '../support/shop.ts'

let shop: Shop
let shipments: Shipments
let ledger: Ledger
beforeAll(async () => {
  shop = await openShop()
  ;({ shipments, ledger } = createInstance(shop.world.env).deps)
})
let start = 0
beforeEach(async () => {
  await shop.sql('delete from shipments')
  shop.advance(1_000)
  start = Date.now()
})
afterAll(() => shop.close())

/** A moment, in seconds after the test began. */
const at = (seconds: number) => new Date(start + seconds * 1_000)
/** The clock of the database follows. */
const moveTo = (seconds: number) => void vi.setSystemTime(at(seconds))
const claim = (by = 'request') => ({ by, ms: 30_000 })
const takeDue = (seconds: number, limit = 8, by = 'cron') => {
  moveTo(seconds)
  return shipments.takeDue(limit, claim(by))
}
const CARD = [{ itemDesc: '会员卡' }]
const paid = async (): Promise<OutTradeNo> => must(parseOutTradeNo((await shop.sell()).outTradeNo))
const save = async (outTradeNo: OutTradeNo, itemDesc = '会员卡', now = 0, by = 'request') => {
  moveTo(now)
  const draft = { logisticsType: 'virtual', parcels: [{ itemDesc }], isAllDelivered: true } as const
  return must(await shipments.save({ outTradeNo, ...draft }, at(now), claim(by)))
}
const error = (errCode: string, errText: string | null = null) => ({ errCode, errText })
async function orderOf(outTradeNo: OutTradeNo): Promise<PaidOrder> {
  const order = await ledger.find({ outTradeNo })
  if (order === null || !isPaid(order)) throw new Error('not paid')
  return order
}
const fail = async (shipment: Shipment, errCode: string, errText: string | null = null) =>
  shipments.failed(shipment, error(errCode, errText), await orderOf(shipment.outTradeNo), at(70))
const eventsOf = (outTradeNo: OutTradeNo) =>
  shop.sql(`select data from events where out_trade_no = $1 and type = 'shipping.failed'`, [
    outTradeNo,
  ])
const numbers = (taken: readonly Shipment[]) => taken.map(({ outTradeNo }) => outTradeNo).toSorted()
const stateOnOrder = async (outTradeNo: OutTradeNo) =>
  (await shop.sql('select shipping_state from orders where out_trade_no = $1', [outTradeNo]))[0]?.[
    'shipping_state'
  ]

test('a saved shipment is pending, leased, and shown on its order', async () => {
  const outTradeNo = await paid()
  expect(await save(outTradeNo)).toEqual({
    outTradeNo,
    logisticsType: 'virtual',
    parcels: CARD,
    shippingState: 'PENDING',
    errCode: null,
    errText: null,
    attempts: 0,
    requestedAt: at(0),
    contentHash: expect.any(String),
    isAllDelivered: true,
    isSplit: false,
    reportedParcels: 0,
    requestHash: expect.any(String),
    earlierRequests: [],
    claim: 'request',
    uploadedAt: null,
  })
  expect(await stateOnOrder(outTradeNo)).toBe('PENDING')
  expect(await takeDue(29)).toEqual([])
  expect(numbers(await takeDue(30))).toEqual([outTradeNo])
})

test('one run reports a shipment at a time, by the clock of the database', async () => {
  const outTradeNo = await paid()
  const claimedBy = async (seconds: number, by: string, itemDesc = '会员卡') =>
    (await save(outTradeNo, itemDesc, seconds, by)).claim
  expect(await claimedBy(0, 'first')).toBe('first')
  expect(await claimedBy(29, 'repeated')).toBe('first')
  expect(await claimedBy(29, 'new content', '年卡')).toBe('first')
  expect(await takeDue(29)).toEqual([])
  expect(await shipments.take(outTradeNo, claim('late'))).toBeNull()
  expect(await takeDue(30)).toMatchObject([{ outTradeNo, claim: 'cron' }])
  expect(await claimedBy(59, 'repeated', '年卡')).toBe('cron')
  expect(await claimedBy(60, 'last', '年卡')).toBe('last')
})

test('a postponed shipment is claimed by the next request, and not postponed by an earlier run', async () => {
  const outTradeNo = await paid()
  const first = await save(outTradeNo)
  await shipments.postponed(first, error('45009'), 90_000)
  const second = await save(outTradeNo, '会员卡', 10, 'second')
  expect(second).toMatchObject({ claim: 'second', attempts: 0 })
  expect(await shipments.postponed(first, error('45009'), 1_000)).toEqual(second)
})

test('after a report without an answer, nothing is reported for a minute, whatever was stored meanwhile', async () => {
  const stored = await paid()
  const first = await save(stored)
  await shipments.postponed(first, error('wechat_unknown'), 300_000)
  expect(await save(stored, '年卡', 10, 'second')).toMatchObject({ claim: null })
  expect(await save(stored, '月卡', 40, 'third')).toMatchObject({ claim: null })
  expect(await takeDue(69)).toEqual([])
  expect(numbers(await takeDue(70))).toEqual([stored])

  const replaced = await paid()
  const reported = await save(replaced, '会员卡', 100)
  await save(replaced, '年卡', 110, 'second')
  await shipments.postponed(reported, error('wechat_unknown'), 300_000)
  expect(await save(replaced, '年卡', 120, 'repeated')).toMatchObject({ claim: null })
  expect(await takeDue(169)).not.toContainEqual(expect.objectContaining({ outTradeNo: replaced }))
  expect(numbers(await takeDue(170))).toContain(replaced)
})

test('content that was stored during a report is due when the report ends', async () => {
  const outTradeNo = await paid()
  const boxes = (isAllDelivered: boolean, ...trackingNos: readonly string[]) => ({
    outTradeNo,
    logisticsType: 'express' as const,
    parcels: trackingNos.map((trackingNo) => ({
      itemDesc: '茶',
      trackingNo,
      expressCompany: 'ZTO',
    })),
    isAllDelivered,
  })
  const store = async (draft: ReturnType<typeof boxes>, by: string) =>
    must(await shipments.save(draft, at(0), claim(by)))
  const first = await store(boxes(false, 'A', 'B'), 'first')
  const added = await store(boxes(true, 'C'), 'second')
  expect(added).toMatchObject({ claim: 'first', reportedParcels: 0 })
  expect(await shipments.uploaded(first, at(5))).toEqual({
    ...added,
    claim: null,
    reportedParcels: 2,
    uploadedAt: at(5),
  })
  const third = await shipments.take(outTradeNo, claim('third'))
  expect(third).toMatchObject({ claim: 'third', reportedParcels: 2 })
  expect(await shipments.uploaded(first, at(6))).toEqual(third)
  if (third === null) throw new Error('it was not due')
  await store(boxes(true, 'A', 'B', 'D'), 'fourth')
  expect(await shipments.uploaded(third, at(7))).toMatchObject({
    parcels: [{ trackingNo: 'A' }, { trackingNo: 'B' }, { trackingNo: 'C' }, { trackingNo: 'D' }],
    reportedParcels: 3,
    claim: null,
  })
})

test('requests at the same time lose no parcel', async () => {
  const outTradeNo = await paid()
  const add = (trackingNo: string) =>
    shipments.save(
      {
        outTradeNo,
        logisticsType: 'express',
        parcels: [{ itemDesc: '茶', trackingNo, expressCompany: 'ZTO' }],
        isAllDelivered: false,
      },
      at(0),
      claim(trackingNo),
    )
  await add('A')
  await Promise.all(['B', 'C', 'D'].map(add))
  const parcels = (await shipments.find(outTradeNo))?.parcels ?? []
  expect(parcels.map(({ trackingNo }) => trackingNo).toSorted()).toEqual(['A', 'B', 'C', 'D'])
})

test('a correction that was stored during a report is reported as a whole', async () => {
  const outTradeNo = await paid()
  const first = await save(outTradeNo)
  await save(outTradeNo, '年卡')
  expect(await shipments.uploaded(first, at(5))).toMatchObject({
    shippingState: 'PENDING',
    reportedParcels: 0,
    uploadedAt: at(5),
  })
})

test('an earlier request does not replace a later one that WeChat does not have', async () => {
  const outTradeNo = await paid()
  await save(outTradeNo, '月卡')
  await save(outTradeNo, '年卡')
  const late = await shipments.save(
    {
      outTradeNo,
      logisticsType: 'virtual',
      parcels: [{ itemDesc: '月卡' }],
      isAllDelivered: true,
    },
    at(1),
    claim(),
  )
  expect(late).toEqual({ ok: false, error: 'corrected' })
  expect(await save(outTradeNo, '年卡')).toMatchObject({ parcels: [{ itemDesc: '年卡' }] })
})

test('an uploaded shipment is not due again, and saving the same content does not change it', async () => {
  const outTradeNo = await paid()
  await shipments.uploaded(await save(outTradeNo), at(40))
  expect(await stateOnOrder(outTradeNo)).toBe('UPLOADED')
  expect(await takeDue(999_999)).toEqual([])
  expect(await save(outTradeNo, '会员卡', 60)).toMatchObject({ shippingState: 'UPLOADED' })
})

test('new content makes a shipment pending again, with its attempts reset', async () => {
  const outTradeNo = await paid()
  const saved = await save(outTradeNo)
  await shipments.postponed(saved, error('10060001', 'no such payment'), 30_000)
  await takeDue(30)
  await shipments.uploaded(saved, at(40))
  expect(await save(outTradeNo, '年卡', 90)).toEqual({
    outTradeNo,
    logisticsType: 'virtual',
    parcels: [{ itemDesc: '年卡' }],
    shippingState: 'PENDING',
    errCode: null,
    errText: null,
    attempts: 0,
    requestedAt: at(90),
    contentHash: expect.any(String),
    isAllDelivered: true,
    isSplit: false,
    reportedParcels: 0,
    requestHash: expect.any(String),
    earlierRequests: [expect.any(String)],
    claim: 'request',
    uploadedAt: at(40),
  })
  expect(await stateOnOrder(outTradeNo)).toBe('PENDING')
})

test('a failed attempt is counted, and the next one waits until it is due', async () => {
  const outTradeNo = await paid()
  const saved = await save(outTradeNo)
  const postponed = await shipments.postponed(saved, error('10060001', '支付单不存在'), 60_000)
  expect(postponed).toMatchObject({
    shippingState: 'PENDING',
    errCode: '10060001',
    errText: '支付单不存在',
    attempts: 1,
  })
  expect(await takeDue(59)).toEqual([])
  expect(await takeDue(60)).toMatchObject([{ outTradeNo, attempts: 1, errCode: null }])
  expect(await eventsOf(outTradeNo)).toEqual([])
})

test('a failed shipment is never due again, and the merchant’s system gets the reason', async () => {
  const outTradeNo = await paid()
  const saved = await save(outTradeNo)
  expect(await fail(saved, '10060031', '已使用重新发货机会')).toMatchObject({
    shippingState: 'FAILED',
    errCode: '10060031',
    attempts: 1,
  })
  expect(await stateOnOrder(outTradeNo)).toBe('FAILED')
  expect(await takeDue(999_999)).toEqual([])
  const [event, ...others] = await eventsOf(outTradeNo)
  expect(others).toEqual([])
  expect(event?.['data']).toMatchObject({
    outTradeNo,
    tradeState: 'SUCCESS',
    shippingState: 'FAILED',
    errCode: '10060031',
    errText: '已使用重新发货机会',
  })
})

test('a failure that is recorded several times, or late, sends one event', async () => {
  const outTradeNo = await paid()
  const saved = await save(outTradeNo)
  await Promise.all([fail(saved, '10060031'), fail(saved, '10060031'), fail(saved, '10060031')])
  expect(await shipments.postponed(saved, error('45011'), 90_000)).toMatchObject({
    shippingState: 'FAILED',
    errCode: '10060031',
  })
  expect(await eventsOf(outTradeNo)).toHaveLength(1)
})

test('a failed shipment that the merchant sends again starts over, and a new failure sends a new event', async () => {
  const outTradeNo = await paid()
  await fail(await save(outTradeNo), '48001')
  const again = await save(outTradeNo, '会员卡', 80)
  expect(again).toMatchObject({
    shippingState: 'PENDING',
    errCode: null,
    errText: null,
    attempts: 0,
    requestedAt: at(80),
  })
  await fail(again, '48001')
  expect(await eventsOf(outTradeNo)).toHaveLength(2)
})

test('a late failure does not change a shipment that was uploaded meanwhile', async () => {
  const outTradeNo = await paid()
  const saved = await save(outTradeNo)
  await shipments.uploaded(saved, at(40))
  expect(await shipments.postponed(saved, error('wechat_unknown'), 60_000)).toMatchObject({
    shippingState: 'UPLOADED',
    errCode: null,
  })
  expect(await fail(saved, '10060031')).toMatchObject({ shippingState: 'UPLOADED', errCode: null })
  expect([await stateOnOrder(outTradeNo), await eventsOf(outTradeNo)]).toEqual(['UPLOADED', []])
})

test('a refusal of earlier content does not fail the new content', async () => {
  const outTradeNo = await paid()
  const before = await save(outTradeNo)
  await save(outTradeNo, '年卡', 1)
  await fail(before, '10060004')
  expect([await stateOnOrder(outTradeNo), await eventsOf(outTradeNo)]).toEqual(['PENDING', []])
})

const atWechat = (itemDesc: string): ReportedShipment => ({
  logisticsType: 'self_pickup',
  parcels: [{ itemDesc }],
  isSplit: false,
  isAllDelivered: true,
})

test('a shipment that WeChat keeps replaces the refused one, and the refused request is forgotten', async () => {
  const outTradeNo = await paid()
  const refused = await save(outTradeNo)
  expect(await shipments.kept(refused, atWechat('拿铁'), error('10060003'), at(70))).toMatchObject({
    logisticsType: 'self_pickup',
    parcels: [{ itemDesc: '拿铁' }],
    shippingState: 'UPLOADED',
    errCode: '10060003',
    requestHash: null,
    reportedParcels: 1,
  })
  expect(await stateOnOrder(outTradeNo)).toBe('UPLOADED')
  expect((await orderOf(outTradeNo)).settlement.shippedAt).toEqual(at(70))
  expect(await takeDue(999_999)).toEqual([])
  expect(await save(outTradeNo, '会员卡', 80)).toMatchObject({ shippingState: 'PENDING' })
})

test('a late answer about what WeChat keeps replaces neither newer content nor an uploaded shipment', async () => {
  const outTradeNo = await paid()
  const before = await save(outTradeNo)
  const newer = await save(outTradeNo, '年卡', 1)
  const keep = (shipment: Shipment) =>
    shipments.kept(shipment, atWechat('拿铁'), error('10060003'), at(70))
  expect(await keep(before)).toMatchObject({ shippingState: 'PENDING', errCode: null })
  await shipments.uploaded(newer, at(71))
  expect(await keep(newer)).toMatchObject({
    parcels: [{ itemDesc: '年卡' }],
    shippingState: 'UPLOADED',
    errCode: null,
  })
})

test('four simultaneous runs share twelve due shipments: none twice, none left', async () => {
  const sold = await Promise.all(Array.from({ length: 12 }, paid))
  await Promise.all(sold.map((outTradeNo) => save(outTradeNo)))
  const runs = Array.from({ length: 4 }, () => createInstance(shop.world.env).deps.shipments)
  const taken: string[] = []
  moveTo(30)
  for (let round = 0; round < 12 && taken.length < 12; round += 1) {
    const shares = await Promise.all(runs.map((run) => run.takeDue(3, claim('cron'))))
    for (const share of shares) expect(share.length).toBeLessThanOrEqual(3)
    taken.push(...numbers(shares.flat()))
  }
  expect(taken.toSorted()).toEqual([...sold].toSorted())
})

test('the shipment that has been due longest is taken first', async () => {
  const [late, early, middle] = await Promise.all([paid(), paid(), paid()])
  await save(late, '会员卡', 20)
  await save(early, '会员卡', 0)
  await save(middle, '会员卡', 10)
  expect(numbers(await takeDue(100, 1))).toEqual([early])
  expect(numbers(await takeDue(100, 1))).toEqual([middle])
  expect(numbers(await takeDue(100, 1))).toEqual([late])
})

test('a shipment whose run died is due again when its lease expires, and no attempt is counted', async () => {
  const outTradeNo = await paid()
  await save(outTradeNo)
  await takeDue(30)
  expect(await takeDue(59)).toEqual([])
  expect(await takeDue(60)).toMatchObject([{ outTradeNo, attempts: 0 }])
})

test('a shipment of the previous release, without a request time, counts from when it was stored', async () => {
  const outTradeNo = await paid()
  await save(outTradeNo)
  await shop.sql('update shipments set requested_at = null')
  expect(await takeDue(30)).toMatchObject([{ outTradeNo, requestedAt: at(0) }])
})

test('an order that does not exist cannot be shipped', async () => {
  await expect(save(must(parseOutTradeNo('never-placed-1')))).rejects.toThrow(
    'shipments_out_trade_no_fkey',
  )
})
