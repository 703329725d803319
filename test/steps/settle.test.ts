/** The decisions of `settle` and its calls to the ledger. `stores/` tests the ledger itself. */
import { beforeEach, describe, expect, test } from 'vitest'
import type { Confirmation } from '../../lib/core/confirmation.ts'
import type { LogFields } from '../../lib/core/log-fields.ts'
import type { Order } from '../../lib/core/order.ts'
import { toRfc3339 } from '../../lib/core/time.ts'
import type { Deps, Incident, Ledger } from '../../lib/ports.ts'
import { recordContradiction, settle } from '../../lib/steps/settle.ts'
import {
  closedOrder,
  fen,
  openOrder,
  paidOrder,
  refundedOrder,
  theConfirmation,
} from '../support/latte.ts'
import { only } from '../support/only.ts'

const now = new Date('2025-01-01T19:05:02Z')
type Settled = Parameters<Ledger['settle']>

let answer: Awaited<ReturnType<Ledger['settle']>>
let settled: Settled[]
let incidents: Incident[]
let log: LogFields[]
let lookedUp: unknown[]
let wasReportedMissing: boolean
beforeEach(() => {
  answer = { moved: true, order: paidOrder }
  settled = []
  incidents = []
  log = []
  lookedUp = []
  wasReportedMissing = false
})

const deps: Deps = only<Deps>({
  autoShipping: 'virtual',
  clock: {
    now: () => now,
    timeLeft: () => Infinity,
    sleep: () => Promise.reject(new Error('no time to sleep')),
  },
  ledger: only<Ledger>({
    settle: async (...asked) => {
      settled.push(asked)
      return answer
    },
    recordIncident: async (incident) => {
      incidents.push(incident)
    },
    wasReportedMissing: async (...asked) => {
      lookedUp.push(asked)
      return wasReportedMissing
    },
  }),
  log: (fields) => void log.push(fields),
})

describe('a confirmation of the order’s amount', () => {
  test.each([
    ['an open order', openOrder],
    ['an order that was closed here', closedOrder],
  ])(
    'settles %s with the payment, its source, the time and the automatic shipment',
    async (_, order) => {
      expect(await settle(deps, order, theConfirmation, 'query')).toEqual({
        ok: true,
        value: paidOrder,
      })
      expect(settled).toEqual([
        [order, theConfirmation, 'query', new Date('2025-01-01T19:05:02Z'), 'virtual'],
      ])
      expect([incidents, log]).toEqual([[], []])
    },
  )

  test('that came second is answered like the first', async () => {
    answer = { moved: false, order: paidOrder }
    expect(await settle(deps, openOrder, theConfirmation, 'notify')).toEqual({
      ok: true,
      value: paidOrder,
    })
  })

  test.each([
    ['paid', paidOrder],
    ['refunded', refundedOrder],
  ])(
    'that is already known does not change a %s order, and the ledger is not called',
    async (_, order) => {
      expect(await settle(deps, order, theConfirmation, 'cron')).toEqual({ ok: true, value: order })
      expect([settled, incidents]).toEqual([[], []])
    },
  )
})

test.each([
  ['ten minutes slow', new Date('2025-01-01T18:54:05Z')],
  ['ten minutes fast', new Date('2025-01-01T19:15:02Z')],
])('a payment is accepted when the clock is %s', async (_, paidAt) => {
  expect(await settle(deps, openOrder, { ...theConfirmation, paidAt }, 'notify')).toEqual({
    ok: true,
    value: paidOrder,
  })
})

describe('a payment made before its order was placed', () => {
  const earlier = { ...theConfirmation, paidAt: new Date('2024-12-31T00:00:00Z') }
  const refused = { ok: false, error: { reason: 'notice_contradicts', field: 'time' } }
  const channels = ['query', 'cron', 'prepay', 'close'] as const

  test.each(['notify', ...channels] as const)(
    'settles nothing, on any channel: %s',
    async (source) => {
      expect(await settle(deps, openOrder, earlier, source)).toEqual(refused)
      expect([settled, incidents.map(({ kind, source: by }) => [kind, by])]).toEqual([
        [],
        [['time', source]],
      ])
    },
  )

  test.each(channels)(
    'settles an order that a restore lost, if an incident has recorded the payment and WeChat confirms it to %s',
    async (source) => {
      wasReportedMissing = true
      expect(await settle(deps, openOrder, earlier, source)).toEqual({ ok: true, value: paidOrder })
      expect(lookedUp).toEqual([[openOrder, earlier]])
    },
  )

  test('settles nothing by a notification even if an incident has recorded it, because a leaked key can forge both', async () => {
    wasReportedMissing = true
    expect(await settle(deps, openOrder, earlier, 'notify')).toEqual(refused)
    expect(lookedUp).toEqual([])
  })
})

test('WeChat’s answer counts even if its clock is ahead of ours, and no incident is searched for', async () => {
  const later = { ...theConfirmation, paidAt: new Date('2025-01-01T20:05:02Z') }
  expect(await settle(deps, openOrder, later, 'query')).toEqual({ ok: true, value: paidOrder })
  expect(lookedUp).toEqual([])
})

test('a repeated notification of a recovered payment is acknowledged, even if the order was stored again after it', async () => {
  const confirmation = { ...theConfirmation, paidAt: new Date('2024-12-31T00:00:00Z') }
  expect(await settle(deps, paidOrder, confirmation, 'notify')).toEqual({
    ok: true,
    value: paidOrder,
  })
  expect([settled, incidents]).toEqual([[], []])
})

describe('a confirmation that contradicts the order', () => {
  const other = (changes: Partial<Confirmation>): Confirmation => ({
    ...theConfirmation,
    ...changes,
  })
  const otherPayment = other({ transactionId: '4200002500202501020000000002' })
  const cases: readonly (readonly [
    name: string,
    order: Order,
    confirmation: Confirmation,
    field: string,
  ])[] = [
    ['of a fen less than the order costs', openOrder, other({ totalFee: fen(2799) }), 'amount'],
    ['of a fen more than the order costs', openOrder, other({ totalFee: fen(2801) }), 'amount'],
    ['of another amount than was paid', paidOrder, other({ totalFee: fen(1) }), 'amount'],
    ['of the right amount in another currency', openOrder, other({ feeType: 'USD' }), 'currency'],
    ['in our currency in lower case', openOrder, other({ feeType: 'cny' }), 'currency'],
    ['by another payer', openOrder, other({ openid: 'oAnotherPayer000000000000001' }), 'payer'],
    [
      'by another payer than the one the ledger has stored',
      paidOrder,
      other({ openid: 'oAnotherPayer000000000000001' }),
      'payer',
    ],
    [
      'made before its order',
      openOrder,
      other({ paidAt: new Date('2025-01-01T18:54:04Z') }),
      'time',
    ],
    ['made in the future', openOrder, other({ paidAt: new Date('2025-01-01T19:15:03Z') }), 'time'],
    ['of a second payment of a paid order', paidOrder, otherPayment, 'transaction'],
    ['of a second payment of a refunded order', refundedOrder, otherPayment, 'transaction'],
  ]

  test.each(cases)(
    '%s settles nothing and becomes an incident',
    async (_, order, confirmation, field) => {
      expect(await settle(deps, order, confirmation, 'notify')).toEqual({
        ok: false,
        error: { reason: 'notice_contradicts', field },
      })
      expect(settled).toEqual([])
      expect(incidents.map(({ kind }) => kind)).toEqual([field])
      expect(log).toEqual([
        { event: 'incident', order: 'LATTE-000001', reason: 'notice_contradicts', detail: field },
      ])
    },
  )

  test.each([
    ['oAnotherPayer000000000000001', 'oAnotherPayer000000000000001'],
    ['not an openid', null],
  ])('of another payer names both payers (%s)', async (openid, shown) => {
    await settle(deps, openOrder, other({ openid }), 'query')
    expect(incidents).toMatchObject([
      { kind: 'payer', expected: { openid: openOrder.openid }, received: { openid: shown } },
    ])
  })

  test('of a wrong time names the time of the order and of the payment', async () => {
    const confirmation = other({ paidAt: new Date('2025-01-01T18:54:04Z') })
    await settle(deps, openOrder, confirmation, 'query')
    expect(incidents).toMatchObject([
      {
        kind: 'time',
        expected: { createdAt: toRfc3339(openOrder.createdAt) },
        received: { paidAt: '2025-01-02T02:54:04+08:00' },
      },
    ])
  })

  test('is recorded with the expected and the received values, the source and the time', async () => {
    await settle(deps, openOrder, other({ totalFee: fen(1), feeType: 'USD' }), 'prepay')
    expect(incidents).toEqual([
      {
        kind: 'amount',
        outTradeNo: 'LATTE-000001',
        expected: { totalFee: 2800, feeType: 'CNY', transactionId: null },
        received: { totalFee: 1, feeType: 'USD', transactionId: '4200002500202501020000000001' },
        source: 'prepay',
        at: new Date('2025-01-01T19:05:02Z'),
      },
    ])
  })

  test('by its time is recorded with that time', async () => {
    await settle(deps, openOrder, other({ paidAt: new Date('2020-01-01T00:00:00Z') }), 'notify')
    expect(incidents.map(({ received }) => received['paidAt'])).toEqual([
      '2020-01-01T08:00:00+08:00',
    ])
  })

  test('about a paid order is recorded with both payments', async () => {
    await settle(deps, paidOrder, otherPayment, 'notify')
    expect(incidents).toMatchObject([
      {
        expected: { totalFee: 2800, feeType: 'CNY', transactionId: '4200002500202501020000000001' },
        received: { totalFee: 2800, feeType: 'CNY', transactionId: '4200002500202501020000000002' },
      },
    ])
  })

  test('by a payment that the ledger knows differently becomes an incident too', async () => {
    answer = 'other_payment'
    expect(await settle(deps, openOrder, theConfirmation, 'notify')).toEqual({
      ok: false,
      error: { reason: 'notice_contradicts', field: 'transaction' },
    })
    expect(incidents.map(({ kind, outTradeNo }) => [kind, outTradeNo])).toEqual([
      ['transaction', 'LATTE-000001'],
    ])
  })

  test('about an unknown order is recorded without expected values', async () => {
    expect(await recordContradiction(deps, null, theConfirmation, 'notify', 'order')).toEqual({
      ok: false,
      error: { reason: 'notice_contradicts', field: 'order' },
    })
    expect(incidents.map(({ kind, expected }) => [kind, expected])).toEqual([['order', {}]])
  })
})
