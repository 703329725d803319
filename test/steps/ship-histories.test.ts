/** No history of requests, repetitions and faults loses a parcel or reports one twice. */
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { Fault } from '../../dev/wechat/faults.ts'
import { openShop, type Sale, type Shop } from '../support/shop.ts'

const RUNS = 8
const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS
vi.setConfig({ testTimeout: 20_000 + RUNS * 5_000 })

let shop: Shop
beforeAll(async () => {
  shop = await openShop()
})
afterAll(() => shop.close())

type Step =
  | {
      readonly kind: 'ship'
      readonly parcels: readonly string[]
      readonly isAllDelivered: boolean
      /** Requests at the same time, as after a repetition by the network. */
      readonly times: number
    }
  | { readonly kind: 'wait'; readonly minutes: number }
  | { readonly kind: 'fault'; readonly fault: Fault }

const on = 'upload_shipping_info'
/** WeChat loses requests and answers, is busy, has no quota left, and says what no table has. */
const faults: readonly Fault[] = [
  { on, do: 'drop', times: 1 },
  { on, do: 'lose-answer', times: 1 },
  { on, do: 'html', times: 1 },
  { on, do: 'errcode', errcode: -1, times: 2 },
  { on, do: 'errcode', errcode: 45009, times: 3 },
  { on, do: 'errcode', errcode: 10060001, times: 1 },
  { on, do: 'errcode', errcode: 99_999, times: 1 },
  { on: 'get_order', do: 'drop', times: 1 },
  { on: 'get_order', do: 'errcode', errcode: 45011, times: 2 },
]

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('ship'),
      parcels: fc.uniqueArray(fc.constantFrom('A', 'B', 'C', 'D'), { minLength: 1, maxLength: 2 }),
      isAllDelivered: fc.constant(false),
      times: fc.constantFrom(1, 1, 2),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('wait'),
      minutes: fc.constantFrom(1, 2, 10, 360),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('fault'), fault: fc.constantFrom(...faults) }),
  },
)
/** Complete shipments: all but the first are corrections, of which WeChat allows one. */
const whole: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant('ship'),
  parcels: fc.constantFrom(['A'], ['B'], ['A', 'B'], ['A', 'C']),
  isAllDelivered: fc.constant(true),
  times: fc.constantFrom(1, 1, 2),
})
const lastParcel: Step = { kind: 'ship', parcels: ['LAST'], isAllDelivered: true, times: 2 }

async function perform({ outTradeNo }: Sale, one: Step): Promise<void> {
  switch (one.kind) {
    case 'wait':
      shop.advance(one.minutes * MINUTE_MS)
      await shop.cron()
      return
    case 'fault':
      shop.wechat.misbehave(one.fault)
      return
    case 'ship': {
      const items = one.parcels.map((trackingNo) => ({
        itemDesc: '咖啡豆',
        trackingNo,
        expressCompany: 'ZTO',
      }))
      const { isAllDelivered } = one
      const body = { outTradeNo, logisticsType: 'express', items, isAllDelivered }
      await Promise.all(
        Array.from({ length: one.times }, () =>
          shop.call('POST', '/api/shipping', { token: shop.merchantKey, body }),
        ),
      )
      shop.advance(1)
    }
  }
}

const atWechat = ({ outTradeNo }: Sale) =>
  shop.wechat.shipments().find((shipment) => shipment.outTradeNo === outTradeNo)

test('every parcel reaches WeChat once, and the last one completes the shipment without a correction', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 2, maxLength: 8 }),
      fc.array(step, { maxLength: 2 }),
      async (before, after) => {
        shop.wechat.clearFaults()
        const sale = await shop.sell()
        // After the last parcel, only repetitions and faults follow.
        const late = after.filter(({ kind }) => kind !== 'ship')
        const repeated = before.filter(({ kind }) => kind === 'ship').slice(-1)
        const history = [...before, lastParcel, ...late, ...repeated, lastParcel]
        for (const one of history) await perform(sale, one)
        shop.wechat.clearFaults()
        for (let runs = 0; runs < 4; runs += 1) {
          shop.advance(DAY_MS / 4)
          await shop.cron()
        }
        const sent = new Set(history.flatMap((one) => (one.kind === 'ship' ? one.parcels : [])))
        const shipment = atWechat(sale)
        expect(shipment?.parcels.map(({ trackingNo }) => trackingNo).toSorted()).toEqual(
          [...sent].toSorted(),
        )
        expect(shipment).toMatchObject({ finished: true, changed: false })
        expect(await shop.query(shop.merchantKey, sale.outTradeNo)).toMatchObject({
          shippingState: 'UPLOADED',
        })
      },
    ),
    { numRuns: RUNS },
  )
})

test('after any corrections and repeated requests, the order shows the shipment that WeChat has, and no money is reported as frozen', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof({ weight: 3, arbitrary: whole }, { weight: 2, arbitrary: step }), {
        minLength: 3,
        maxLength: 8,
      }),
      async (history) => {
        shop.wechat.clearFaults()
        const sale = await shop.sell()
        for (const one of [...history, lastParcel]) await perform(sale, one)
        shop.wechat.clearFaults()
        for (let runs = 0; runs < 4; runs += 1) {
          shop.advance(DAY_MS / 4)
          await shop.cron()
        }
        const path = `/api/shipping?outTradeNo=${sale.outTradeNo}`
        const { json } = await shop.call('GET', path, { token: shop.merchantKey })
        expect(json).toMatchObject({
          shippingState: 'UPLOADED',
          orderState: 'SHIPPED',
          shipment: { isAllDelivered: true },
        })
        const shown = JSON.stringify(json['shipment']).match(/(?<="trackingNo":")\w+/g)
        const reported = atWechat(sale)?.parcels.map(({ trackingNo }) => trackingNo)
        expect(shown?.toSorted()).toEqual(reported?.toSorted())
        expect(
          await shop.sql(
            `select from events where out_trade_no = $1 and type = 'shipping.failed'`,
            [sale.outTradeNo],
          ),
        ).toEqual([])
      },
    ),
    { numRuns: RUNS },
  )
})
