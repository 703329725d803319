/** What the shipments' port promises, on whichever PostgreSQL is behind it. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Shipment } from '../../lib/core/shipment.ts'
import { parseOutTradeNo, type OutTradeNo } from '../../lib/core/ids.ts'
import type { Shipments } from '../../lib/ports.ts'
import { createDeps } from '../../lib/wire.ts'
import { must } from '../support/must.ts'
import { openShop, type Shop } from '../support/shop.ts'

let shop: Shop
let shipments: Shipments
beforeAll(async () => {
  shop = await openShop()
  shipments = createDeps(shop.world.env).shipments
})
beforeEach(() => shop.sql('delete from shipments'))
afterAll(() => shop.close())

/** Seconds after a moment of this test's own. */
const at = (seconds: number) => new Date(Date.UTC(2031, 0, 2, 3, 4, 5) + seconds * 1_000)
const CARD = [{ itemDesc: '会员卡' }]
const paid = async (): Promise<OutTradeNo> => must(parseOutTradeNo((await shop.sell()).outTradeNo))
const save = (outTradeNo: OutTradeNo, itemDesc = '会员卡', now = 0) =>
  shipments.save({ outTradeNo, logisticsType: 'virtual', parcels: [{ itemDesc }] }, at(now), at(now + 30))
const numbers = (taken: readonly Shipment[]) => taken.map(({ outTradeNo }) => outTradeNo).toSorted()
const noted = async (outTradeNo: OutTradeNo) =>
  (await shop.sql('select shipping_state from orders where out_trade_no = $1', [outTradeNo]))[0]?.['shipping_state']

test('what is saved is pending, out of reach for its lease, and noted on the order', async () => {
  const outTradeNo = await paid()
  expect(await save(outTradeNo)).toEqual({
    outTradeNo,
    logisticsType: 'virtual',
    parcels: CARD,
    shippingState: 'PENDING',
    errCode: null,
    attempts: 0,
    contentHash: expect.any(String),
    wasChanged: false,
  })
  expect(await noted(outTradeNo)).toBe('PENDING')
  expect(await shipments.takeDue(8, at(29), at(59))).toEqual([])
  expect(numbers(await shipments.takeDue(8, at(30), at(60)))).toEqual([outTradeNo])
})

test('what was told is told no more, and the same content again leaves it as it is', async () => {
  const outTradeNo = await paid()
  await shipments.uploaded(await save(outTradeNo))
  expect(await noted(outTradeNo)).toBe('UPLOADED')
  expect(await shipments.takeDue(8, at(999_999), at(1_000_029))).toEqual([])
  expect(await save(outTradeNo, '会员卡', 60)).toMatchObject({ shippingState: 'UPLOADED' })
})

test('other content is to be told again, counted from the start', async () => {
  const outTradeNo = await paid()
  const saved = await save(outTradeNo)
  await shipments.failed(saved, '10060001', at(30))
  await shipments.takeDue(8, at(30), at(60))
  await shipments.uploaded(saved)
  expect(await save(outTradeNo, '年卡', 90)).toEqual({
    outTradeNo,
    logisticsType: 'virtual',
    parcels: [{ itemDesc: '年卡' }],
    shippingState: 'PENDING',
    errCode: null,
    attempts: 0,
    contentHash: expect.any(String),
    wasChanged: true,
  })
  expect(await noted(outTradeNo)).toBe('PENDING')
})

test('a failure with a next time waits for it; one without is for a person and comes back by no clock', async () => {
  const outTradeNo = await paid()
  const saved = await save(outTradeNo)
  expect(await shipments.failed(saved, '10060001', at(60))).toMatchObject({ shippingState: 'PENDING', errCode: '10060001' })
  expect(await shipments.takeDue(8, at(59), at(89))).toEqual([])
  const [again] = await shipments.takeDue(8, at(60), at(90))
  expect(again).toMatchObject({ outTradeNo, attempts: 1, errCode: '10060001' })
  expect(await shipments.failed(saved, '10060003', null)).toMatchObject({ shippingState: 'FAILED', errCode: '10060003' })
  expect(await noted(outTradeNo)).toBe('FAILED')
  expect(await shipments.takeDue(8, at(999_999), at(1_000_029))).toEqual([])
})

test('a failure that is heard of late does not undo what was told meanwhile', async () => {
  const outTradeNo = await paid()
  const saved = await save(outTradeNo)
  await shipments.uploaded(saved)
  expect(await shipments.failed(saved, 'wechat_unknown', at(60))).toMatchObject({ shippingState: 'UPLOADED', errCode: null })
  expect(await noted(outTradeNo)).toBe('UPLOADED')
})

test('a refusal of what was meant before does not park what is meant now', async () => {
  const outTradeNo = await paid()
  const before = await save(outTradeNo)
  await save(outTradeNo, '年卡', 1)
  await shipments.failed(before, '10060004', null)
  expect(await noted(outTradeNo)).toBe('PENDING')
})

test('four takers at once share twelve due shipments: nothing twice, nothing left', async () => {
  const sold = await Promise.all(Array.from({ length: 12 }, paid))
  await Promise.all(sold.map((outTradeNo) => save(outTradeNo)))
  const takers = Array.from({ length: 4 }, () => createDeps(shop.world.env).shipments)
  const taken: string[] = []
  for (let round = 0; round < 12 && taken.length < 12; round += 1) {
    const shares = await Promise.all(takers.map((taker) => taker.takeDue(3, at(30), at(60))))
    for (const share of shares) expect(share.length).toBeLessThanOrEqual(3)
    taken.push(...numbers(shares.flat()))
  }
  expect(taken.toSorted()).toEqual([...sold].toSorted())
})

test('what was longest due is taken first', async () => {
  const [late, early, middle] = await Promise.all([paid(), paid(), paid()])
  await save(late, '会员卡', 20)
  await save(early, '会员卡', 0)
  await save(middle, '会员卡', 10)
  expect(numbers(await shipments.takeDue(1, at(100), at(130)))).toEqual([early])
  expect(numbers(await shipments.takeDue(1, at(100), at(130)))).toEqual([middle])
  expect(numbers(await shipments.takeDue(1, at(100), at(130)))).toEqual([late])
})

test('a taker that died leaves what it took to the next one when its lease is over', async () => {
  const outTradeNo = await paid()
  await save(outTradeNo)
  await shipments.takeDue(8, at(30), at(60))
  expect(await shipments.takeDue(8, at(59), at(89))).toEqual([])
  expect(await shipments.takeDue(8, at(60), at(90))).toMatchObject([{ outTradeNo, attempts: 2 }])
})

test('an order nobody placed cannot be shipped', async () => {
  await expect(save(must(parseOutTradeNo('never-placed-1')))).rejects.toThrow('shipments_out_trade_no_fkey')
})
