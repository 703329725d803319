/** Generates what an honest merchant sends to each part of the console. */
import fc from 'fast-check'
import type { Numbers } from './genuine-requests.ts'
import type { Fields } from './requests.ts'

const day = fc.constantFrom('2026-11-20', '2026-02-28', '2099-12-31')
const limit = fc.constantFrom('1', '20', '100')
const eventId = fc.constantFrom(`evt_${'0'.repeat(32)}`, 'evt_5f6f2833ce9d42dbb9ea282ac2666497')
const period = {
  from: fc.constantFrom('2026-11-01T00:00:00+08:00', '2026-11-01T00:00:00 08:00'),
  to: fc.constantFrom('2026-12-01T00:00:00+08:00', '2099-12-31T15:59:59.999Z'),
}
const incidentId = fc.integer({ min: 1, max: 50 })

/** A page of any length, from the beginning or after a cursor. */
const page = (
  cursor: fc.Arbitrary<string>,
  filters: Readonly<Record<string, fc.Arbitrary<string>>> = {},
): fc.Arbitrary<Fields> => fc.record({ ...filters, cursor, limit }, { requiredKeys: [] })

/** The days, and the differences of one. */
export const genuineBills: fc.Arbitrary<Fields> = fc.oneof(
  page(day),
  fc.record(
    {
      day,
      cursor: fc
        .tuple(fc.integer({ min: 1, max: 4_102_444_800_000 }), fc.nat({ max: 50_000 }))
        .map((parts) => parts.join('-')),
      limit,
    },
    { requiredKeys: ['day'] },
  ),
)

export const genuineIncidents = page(incidentId.map(String), {
  state: fc.constantFrom('open', 'handled'),
  ...period,
})

export const genuineEvents = ({ orders }: Numbers): fc.Arbitrary<Fields> =>
  page(eventId, {
    state: fc.constantFrom('undelivered', 'parked'),
    outTradeNo: orders,
    ...period,
  })

/** The cursor of a list names its last order and the list. */
const orderCursor = (orders: fc.Arbitrary<string>, list: string): fc.Arbitrary<string> =>
  orders.map((number) => Buffer.from(`${number}@${list}`).toString('base64url'))

export const genuineShipments = ({ orders }: Numbers): fc.Arbitrary<Fields> =>
  page(orderCursor(orders, 'frozen'))

export const genuineTakings: fc.Arbitrary<Fields> = fc.record(
  { days: fc.constantFrom('1', '30', '366') },
  { requiredKeys: [] },
)

export const genuineHandling: fc.Arbitrary<Fields> = fc.record({
  id: incidentId,
  note: fc.constantFrom('已在商户平台退款', 'refunded', 'x'.repeat(500)),
})

export const genuineSending: fc.Arbitrary<Fields> = fc.record({ id: eventId })

export const genuineSearch = ({ orders, refunds, openids }: Numbers): fc.Arbitrary<Fields> =>
  fc.record(
    {
      text: fc.oneof(
        orders,
        refunds,
        openids,
        fc.constantFrom('4200002500202501020000000001', '+86 138-0013-8000', ' 13800138000 '),
      ),
      cursor: orderCursor(orders, '0123abcd'),
      limit: fc.constantFrom(1, 20, 100),
    },
    { requiredKeys: ['text'] },
  )
