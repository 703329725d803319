/** How a request changes a shipment that is stored already. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseOutTradeNo } from '../../lib/core/ids.ts'
import {
  hashShipment,
  MOST_PARCELS,
  planShipment,
  type ShipmentContent,
  type ShipmentRequest,
} from '../../lib/core/plan-shipment.ts'
import type { Parcel, Shipment } from '../../lib/core/shipment.ts'
import { must } from '../support/must.ts'

const box = (trackingNo: string): Parcel => ({
  itemDesc: '咖啡豆',
  trackingNo,
  expressCompany: 'ZTO',
})
const express = (isAllDelivered: boolean, ...numbers: readonly string[]): ShipmentRequest => ({
  logisticsType: 'express',
  parcels: numbers.map(box),
  isAllDelivered,
})
const stored = (content: ShipmentContent, state: Partial<Shipment> = {}): Shipment => ({
  outTradeNo: must(parseOutTradeNo('LATTE-000001')),
  ...content,
  shippingState: 'UPLOADED',
  errCode: null,
  errText: null,
  contentHash: hashShipment(content),
  requestHash: null,
  earlierRequests: [],
  claim: null,
  uploadedAt: null,
  attempts: 0,
  requestedAt: new Date('2025-01-01T19:05:00Z'),
  ...state,
})
/** The shipment after these requests, each of which WeChat has accepted. */
const after = (...requests: readonly ShipmentRequest[]): Shipment | null =>
  requests.reduce<Shipment | null>((shipment, request) => {
    const content = must(planShipment(shipment, request, null))
    return content === null
      ? shipment
      : stored(content, { reportedParcels: content.parcels.length })
  }, null)
const plan = (shipment: Shipment | null, request: ShipmentRequest) =>
  planShipment(shipment, request, null)
const numbers = (content: ShipmentContent | null) =>
  content?.parcels.map(({ trackingNo }) => trackingNo)

test('parcels are added in the order of their requests, until one is the last', () => {
  expect(after(express(false, 'A'), express(false, 'B', 'C'), express(true, 'D'))).toMatchObject({
    parcels: ['A', 'B', 'C', 'D'].map(box),
    isSplit: true,
    isAllDelivered: true,
  })
})

test('after the last parcel no further ones can be announced, unless WeChat has refused the last one', () => {
  const last = express(true, 'A', 'B', 'Z')
  const isSplit = true
  const waiting = stored({ ...last, isSplit, reportedParcels: 1 }, { shippingState: 'PENDING' })
  expect(plan(waiting, express(false, 'A', 'B'))).toEqual({ ok: true, value: null })
  expect(plan(waiting, express(false, 'C'))).toEqual({ ok: false, error: 'complete' })
  expect(must(plan(waiting, express(true, 'C')))).toMatchObject({
    parcels: ['A', 'B', 'Z', 'C'].map(box),
    isAllDelivered: true,
  })
  const refused = stored({ ...last, isSplit, reportedParcels: 1 }, { shippingState: 'FAILED' })
  expect(must(plan(refused, express(false, 'C')))).toMatchObject({
    parcels: ['A', 'C'].map(box),
    isAllDelivered: false,
  })
})

test('a parcel that is known is not added again', () => {
  const open = after(express(false, 'A'))
  expect(plan(open, express(false, 'A'))).toEqual({ ok: true, value: null })
  expect(numbers(must(plan(open, express(false, 'B', 'A', 'B'))))).toEqual(['A', 'B'])
  const complete = after(express(false, 'A'), express(true, 'B'))
  expect(plan(complete, express(false, 'A'))).toEqual({ ok: true, value: null })
})

test('a known parcel can be the last one', () => {
  expect(must(plan(after(express(false, 'A')), express(true, 'A')))).toMatchObject({
    parcels: [box('A')],
    isAllDelivered: true,
    isSplit: true,
  })
})

test('a repeated last request changes nothing, although it names only the last parcels', () => {
  const complete = after(express(false, 'A'), express(true, 'B'))
  expect(planShipment(complete, express(true, 'B'), 'last')).toEqual({ ok: true, value: null })
})

test('no parcel is added to a shipment that WeChat has whole', () => {
  expect(plan(after(express(false, 'A'), express(true, 'B')), express(false, 'C'))).toEqual({
    ok: false,
    error: 'complete',
  })
})

test('a complete report replaces a complete one, as a correction', () => {
  expect(must(plan(after(express(true, 'A', 'B')), express(true, 'A', 'C')))).toMatchObject({
    parcels: ['A', 'C'].map(box),
    reportedParcels: 0,
  })
})

test('an earlier request does not replace a correction that WeChat does not have yet', () => {
  const complete = after(express(true, 'A'))
  const content = must(plan(complete, express(true, 'B')))
  if (content === null) throw new Error('nothing is corrected')
  const pending = stored(content, { shippingState: 'PENDING' })
  const corrected = { ok: false, error: 'corrected' }
  expect(planShipment(pending, express(true, 'A'), 'earlier')).toEqual(corrected)
  const pickup = { ...express(true), logisticsType: 'self_pickup', parcels: [box('A')] } as const
  expect(planShipment(pending, pickup, 'earlier')).toEqual(corrected)
  expect(must(plan(pending, express(true, 'C')))).toMatchObject({ parcels: [box('C')] })
  expect(must(planShipment(stored(content), express(true, 'A'), 'earlier'))).not.toBeNull()
})

test('another kind of shipment replaces the whole report', () => {
  const pickup: ShipmentRequest = {
    logisticsType: 'self_pickup',
    parcels: [{ itemDesc: '拿铁' }],
    isAllDelivered: true,
  }
  expect(must(plan(after(express(false, 'A')), pickup))).toMatchObject({
    ...pickup,
    isSplit: false,
  })
})

test('a parcel that WeChat refused gives way to the next request, and those at WeChat stay', () => {
  const content = must(plan(after(express(false, 'A')), express(true, 'TYPO')))
  if (content === null) throw new Error('nothing is added')
  const refused = stored(content, { shippingState: 'FAILED' })
  expect(numbers(must(plan(refused, express(true, 'B'))))).toEqual(['A', 'B'])
})

test('an order has fifteen parcels at most', () => {
  const fourteen = Array.from({ length: MOST_PARCELS - 1 }, (_, index) => `N${index}`)
  const open = after(express(false, ...fourteen))
  expect(plan(open, express(true, 'LAST'))).toMatchObject({ ok: true })
  expect(plan(open, express(true, 'LAST', 'TOO-MANY'))).toEqual({
    ok: false,
    error: 'too_many_parcels',
  })
})

test('however requests are repeated while parcels follow, each parcel is there once', () => {
  const requests = fc.array(
    fc.array(fc.constantFrom('A', 'B', 'C', 'D', 'E'), { minLength: 1, maxLength: 3 }),
    { minLength: 1, maxLength: 8 },
  )
  fc.assert(
    fc.property(requests, (sent) => {
      const shipment = after(...sent.map((some) => express(false, ...some)))
      const known = shipment?.parcels.map(({ trackingNo }) => trackingNo)
      // The first request is stored as it is.
      const expected = [...new Set([...(sent[0] ?? []), ...sent.flat()])]
      expect(new Set(known)).toEqual(new Set(expected))
      if (new Set(sent[0]).size === sent[0]?.length) expect(known).toHaveLength(expected.length)
    }),
  )
})
