/**
 * Refunds in the database: races between two instances with separate connections, and the
 * constraints of the tables.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { confirm } from '../../lib/core/confirmation.ts'
import {
  parseOpenid,
  parseOutRefundNo,
  parseOutTradeNo,
  type OutTradeNo,
} from '../../lib/core/ids.ts'
import { toFen } from '../../lib/core/money.ts'
import type { Refund } from '../../lib/core/refund.ts'
import type { RefundDraft, Refunds } from '../../lib/ports.ts'
import { createLedger } from '../../lib/stores/ledger.ts'
import { connect } from '../../lib/stores/neon.ts'
import { createRefunds } from '../../lib/stores/refunds.ts'
import { theAccount } from '../support/latte.ts'
import { must } from '../support/must.ts'
import { openShop, type Json, type Shop } from '../support/shop.ts'

const ROUNDS = 20
const AT = new Date('2025-01-02T03:04:05+08:00')

let shop: Shop
let one: Refunds
let other: Refunds
const open = () =>
  connect(shop.world.env['DATABASE_URL'] ?? '', shop.world.env['NEON_HTTP_ENDPOINT'])
beforeAll(async () => {
  shop = await openShop()
  await shop.wechat.stop()
  one = createRefunds(open())
  other = createRefunds(open())
})
afterAll(() => shop.close())

let count = 0
const next = () => String((count += 1)).padStart(8, '0')
/** A paid order of 2800 fen. */
async function paidOrder(): Promise<OutTradeNo> {
  const ledger = createLedger(open())
  const outTradeNo = must(parseOutTradeNo(`T20250102${next()}`))
  const placed = await ledger.placePriced(
    {
      outTradeNo,
      account: theAccount,
      openid: must(parseOpenid('oDemo000000000000000000User1')),
      attach: null,
      clientIp: '192.0.2.1',
      notifyUrl: 'https://shop.example/api/notify',
      createdAt: AT,
      timeExpire: new Date(AT.getTime() + 7_200_000),
      requestKey: null,
      requestHash: 'a',
    },
    { totalFee: must(toFen(2800)), body: '拿铁' },
  )
  if (placed.outcome !== 'placed') throw new Error(placed.outcome)
  const payment = {
    transactionId: `42000000${next()}`,
    totalFee: must(toFen(2800)),
    feeType: 'CNY',
    cashFee: 2800,
  }
  await ledger.settle(
    placed.order,
    confirm({
      outTradeNo,
      ...payment,
      bankType: null,
      openid: 'oDemo000000000000000000User1',
      paidAt: AT,
    }),
    'notify',
    AT,
    null,
  )
  return outTradeNo
}
const draft = (
  outTradeNo: OutTradeNo,
  refundFee: number,
  outRefundNo = `R${next()}`,
): RefundDraft => ({
  outRefundNo: must(parseOutRefundNo(outRefundNo)),
  outTradeNo,
  refundFee: must(toFen(refundFee)),
  refundDesc: null,
})
async function claimed(outTradeNo: OutTradeNo, refundFee: number): Promise<Refund> {
  const refund = await one.claim(draft(outTradeNo, refundFee), AT)
  if (typeof refund === 'string') throw new Error(refund)
  return refund
}
const toOutcome = (refundStatus: Refund['refundStatus'], refund: Refund) =>
  ({ refundStatus, refundId: `5030${refund.outRefundNo}`, errCode: null, errText: null }) as const
/**
 * Runs `n` calls simultaneously, alternating between the instances. An error in any of them fails
 * the round.
 */
const race = <T>(n: number, work: (refunds: Refunds, index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: n }, (_, index) => work(index % 2 === 0 ? one : other, index)))
const rounds = async (round: (index: number) => Promise<void>) => {
  for (let index = 0; index < ROUNDS; index += 1) await round(index)
}
async function books(outTradeNo: OutTradeNo): Promise<Json> {
  const [row] = await shop.sql(
    `select trade_state as state, claimed_fee as claimed, refunded_fee as refunded,
       (select coalesce(sum(refund_fee), 0)::integer from refunds r where r.out_trade_no = o.out_trade_no and refund_status <> 'REFUNDCLOSE') as held,
       (select coalesce(sum(refund_fee), 0)::integer from refunds r where r.out_trade_no = o.out_trade_no and refund_status = 'SUCCESS') as paid_out,
       (select string_agg(type, ' ' order by type) from events e where e.out_trade_no = o.out_trade_no and type like 'refund%') as events
     from orders o where out_trade_no = $1`,
    [outTradeNo],
  )
  expect([row?.['claimed'], row?.['refunded']], 'the order and its refunds add up').toEqual([
    row?.['held'],
    row?.['paid_out'],
  ])
  return {
    state: row?.['state'],
    claimed: row?.['claimed'],
    refunded: row?.['refunded'],
    events: row?.['events'],
  }
}
const outcomes = (results: readonly (Refund | string)[]) =>
  results.map((result) => (typeof result === 'string' ? result : 'claimed')).toSorted()

describe('a payout of a refund in CHANGE', () => {
  const abnormal = async () => {
    const refund = await claimed(await paidOrder(), 1000)
    return one.settle(refund, toOutcome('CHANGE', refund), AT)
  }

  test('moves it to PROCESSING only after it was requested', async () => {
    const refund = await abnormal()
    expect((await one.payoutAccepted(refund, AT)).refundStatus).toBe('CHANGE')
    const requested = await one.payoutRequested(refund, AT)
    expect(requested).toEqual({ ...refund, payoutRequestedAt: AT })
    expect(await one.payoutAccepted(requested, AT)).toEqual({
      ...requested,
      refundStatus: 'PROCESSING',
    })
  })

  test('keeps the claim, and its end counts once', () =>
    rounds(async () => {
      const refund = await abnormal()
      const requested = await one.payoutRequested(refund, AT)
      const end = toOutcome('SUCCESS', refund)
      await race(6, (refunds, index) =>
        index < 3 ? refunds.payoutAccepted(requested, AT) : refunds.settle(requested, end, AT),
      )
      expect((await one.find(refund.outRefundNo))?.refundStatus).toBe('SUCCESS')
      expect(await books(refund.outTradeNo)).toEqual({
        state: 'REFUND',
        claimed: 1000,
        refunded: 1000,
        events: 'refund.needs_attention refund.succeeded',
      })
    }))
})

describe('simultaneous calls:', () => {
  test('two of eight refunds of 1000 of an order of 2800 are claimed', () =>
    rounds(async () => {
      const order = await paidOrder()
      const results = await race(8, (refunds) => refunds.claim(draft(order, 1000), AT))
      expect(outcomes(results)).toEqual([
        'claimed',
        'claimed',
        ...Array<string>(6).fill('too_much'),
      ])
      expect(await books(order)).toEqual({
        state: 'SUCCESS',
        claimed: 2000,
        refunded: 0,
        events: null,
      })
    }))

  test.each([
    ['a part', 500],
    ['the whole payment', 2800],
  ])(
    'a refund number for %s is claimed once, and the other callers get number_taken',
    (_, refundFee) =>
      rounds(async () => {
        const order = await paidOrder()
        const same = draft(order, refundFee)
        const results = await race(4, (refunds) => refunds.claim(same, AT))
        expect(outcomes(results)).toEqual([
          'claimed',
          'number_taken',
          'number_taken',
          'number_taken',
        ])
        expect(await books(order)).toMatchObject({ claimed: refundFee })
      }),
  )

  test('a refund number that is used for two orders is claimed for one of them', () =>
    rounds(async () => {
      const orders = [await paidOrder(), await paidOrder()] as const
      const number = `R${next()}`
      const results = await race(4, (refunds, index) =>
        refunds.claim(draft(orders[index < 2 ? 0 : 1], 100, number), AT),
      )
      expect(outcomes(results)).toEqual(['claimed', 'number_taken', 'number_taken', 'number_taken'])
      expect(
        [(await books(orders[0]))['claimed'], (await books(orders[1]))['claimed']].toSorted(),
      ).toEqual([0, 100])
    }))

  test('a claim during the end of an earlier refund succeeds only if that refund was closed', () =>
    rounds(async (round) => {
      const order = await paidOrder()
      const first = await claimed(order, 2800)
      const end = round % 2 === 0 ? 'REFUNDCLOSE' : 'SUCCESS'
      const [, second] = await Promise.all([
        one.settle(first, toOutcome(end, first), AT),
        other.claim(draft(order, 2800), AT),
        other.accepted(first, `5030${first.outRefundNo}`, AT),
      ])
      if (end === 'SUCCESS') expect(second).toBe('too_much')
      expect(await books(order)).toMatchObject({
        state: 'REFUND',
        claimed: end === 'SUCCESS' || typeof second === 'object' ? 2800 : 0,
        refunded: end === 'SUCCESS' ? 2800 : 0,
      })
    }))

  test('a repeated claim gets number_taken while the acceptance is stored, without a deadlock', () =>
    rounds(async () => {
      const order = await paidOrder()
      const first = await claimed(order, 100)
      const results = await race(6, (refunds, index) =>
        index % 3 === 0
          ? refunds.accepted(first, `5030${first.outRefundNo}`, AT)
          : refunds.claim(draft(order, 100, first.outRefundNo), AT),
      )
      expect(outcomes(results)).toEqual([
        'claimed',
        'claimed',
        ...Array<string>(4).fill('number_taken'),
      ])
      expect(await books(order)).toMatchObject({ state: 'REFUND', claimed: 100 })
    }))

  test('an end that is reported four times is stored once', () =>
    rounds(async () => {
      const order = await paidOrder()
      const refund = await claimed(order, 1000)
      const results = await race(4, (refunds) =>
        refunds.settle(refund, toOutcome('SUCCESS', refund), AT),
      )
      expect(results).toEqual(
        Array(4).fill({
          ...refund,
          refundStatus: 'SUCCESS',
          refundId: `5030${refund.outRefundNo}`,
        }),
      )
      expect(await books(order)).toEqual({
        state: 'REFUND',
        claimed: 1000,
        refunded: 1000,
        events: 'refund.succeeded',
      })
    }))

  test('the first of two different ends counts, and every caller gets it', () =>
    rounds(async () => {
      const order = await paidOrder()
      const refund = await claimed(order, 1000)
      const results = await race(4, (refunds, index) =>
        refunds.settle(refund, toOutcome(index < 2 ? 'SUCCESS' : 'REFUNDCLOSE', refund), AT),
      )
      const [end] = new Set(results.map(({ refundStatus }) => refundStatus))
      expect(new Set(results.map(({ refundStatus }) => refundStatus)).size).toBe(1)
      expect(await books(order)).toEqual(
        end === 'SUCCESS'
          ? { state: 'REFUND', claimed: 1000, refunded: 1000, events: 'refund.succeeded' }
          : { state: 'REFUND', claimed: 0, refunded: 0, events: 'refund.failed' },
      )
    }))

  test('a card that cannot receive the refund is reported to the merchant once', async () => {
    const order = await paidOrder()
    const refund = await claimed(order, 1000)
    await race(4, (refunds) => refunds.settle(refund, toOutcome('CHANGE', refund), AT))
    expect(await books(order)).toEqual({
      state: 'REFUND',
      claimed: 1000,
      refunded: 0,
      events: 'refund.needs_attention',
    })
  })

  test.each(['SUCCESS', 'REFUNDCLOSE', 'CHANGE'] as const)(
    'an acceptance that arrives after the end (%s) changes nothing',
    async (end) => {
      const refund = await claimed(await paidOrder(), 1000)
      const ended = await one.settle(refund, toOutcome(end, refund), AT)
      expect(await other.accepted(refund, `5031${refund.outRefundNo}`, AT)).toEqual(ended)
      expect(await one.find(refund.outRefundNo)).toEqual(ended)
    },
  )

  test('each unfinished refund is taken once for one moment', async () => {
    const order = await paidOrder()
    for (let index = 0; index < 9; index += 1) await claimed(order, 10)
    const later = new Date(AT.getTime() + 60_000)
    const taken = (await race(8, (refunds) => refunds.takeUnfinished(200, later, later)))
      .flat()
      .map(({ outRefundNo }) => outRefundNo)
    expect([new Set(taken).size, taken.length >= 9]).toEqual([taken.length, true])
    expect(await one.takeUnfinished(200, later, later)).toEqual([])
  })
})

describe('the automatic retry of a refund', () => {
  const after = (minutes: number) => new Date(AT.getTime() + minutes * 60_000)
  /** The minutes at which cron, run every minute, takes this refund. */
  async function takenAt(refund: Refund, minutes: number): Promise<number[]> {
    const taken: number[] = []
    for (let minute = 1; minute <= minutes; minute += 1)
      if (
        (await one.takeUnfinished(200, after(minute), after(minute))).some(
          ({ outRefundNo }) => outRefundNo === refund.outRefundNo,
        )
      )
        taken.push(minute)
    return taken
  }

  test('waits longer after each attempt', async () => {
    const refund = await claimed(await paidOrder(), 1000)
    expect(await takenAt(refund, 60)).toEqual([1, 2, 3, 4, 5, 7, 9, 12, 15, 19, 24, 30, 38, 48, 60])
  })

  test('stops when the refund ends, and when it is parked until the merchant retries it', async () => {
    const [ended, parked] = [
      await claimed(await paidOrder(), 1000),
      await claimed(await paidOrder(), 1000),
    ]
    await one.settle(ended, toOutcome('SUCCESS', ended), AT)
    await one.park(parked, AT)
    expect([await takenAt(ended, 3), await takenAt(parked, 3)]).toEqual([[], []])
    expect(await one.unpark(parked, after(5))).toMatchObject({
      isParked: false,
      waitingSince: after(5),
    })
    expect((await takenAt(parked, 8)).at(0)).toBe(5)
  })

  test('continues for a closed refund until the refunds that preceded it are stored', async () => {
    const refund = await claimed(await paidOrder(), 1000)
    const closed = await one.settle(
      refund,
      { ...toOutcome('REFUNDCLOSE', refund), refundId: null },
      AT,
    )
    expect((await takenAt(closed, 2)).length).toBeGreaterThan(0)
    await one.finishClosed(closed)
    expect(await takenAt(closed, 10)).toEqual([])
  })
})

describe('a refund', () => {
  test('that four runs find overdue is parked once, and the merchant gets one event', async () => {
    const order = await paidOrder()
    const refund = await claimed(order, 1000)
    await race(4, (refunds) => refunds.park(refund, AT))
    expect([await one.find(refund.outRefundNo), await books(order)]).toEqual([
      { ...refund, isParked: true },
      { state: 'SUCCESS', claimed: 1000, refunded: 0, events: 'refund.needs_attention' },
    ])
  })

  test.each(['accepted', 'ended'] as const)('that was %s meanwhile is not parked', async (what) => {
    const order = await paidOrder()
    const refund = await claimed(order, 1000)
    if (what === 'accepted') await other.accepted(refund, `5030${refund.outRefundNo}`, AT)
    else await other.settle(refund, toOutcome('SUCCESS', refund), AT)
    await one.park(refund, AT)
    expect((await books(order))['events']).toBe(what === 'accepted' ? null : 'refund.succeeded')
    expect((await one.find(refund.outRefundNo))?.isParked).toBe(false)
  })

  test('that WeChat has accepted meanwhile is not closed by an earlier refusal', async () => {
    const order = await paidOrder()
    const refund = await claimed(order, 1000)
    await other.accepted(refund, `5030${refund.outRefundNo}`, AT)
    const kept = await one.settle(
      refund,
      { refundStatus: 'REFUNDCLOSE', refundId: null, errCode: 'ERROR', errText: null },
      AT,
    )
    expect([kept.refundStatus, await books(order)]).toEqual([
      'PROCESSING',
      { state: 'REFUND', claimed: 1000, refunded: 0, events: null },
    ])
  })

  test('made in the console is stored with WeChat’s number, up to the amount of the payment', async () => {
    const order = await paidOrder()
    await claimed(order, 1000)
    expect(await one.adopt(draft(order, 1800), '50300002502025010200000000077', AT)).toMatchObject({
      refundStatus: 'PROCESSING',
      refundId: '50300002502025010200000000077',
    })
    expect(await one.adopt(draft(order, 1), '50300002502025010200000000078', AT)).toBe('too_much')
    expect(await books(order)).toMatchObject({ state: 'REFUND', claimed: 2800 })
  })

  test('keeps the day on which it counts, if WeChat names another number for it', async () => {
    const adopted = await one.adopt(
      draft(await paidOrder(), 100),
      '5030000250202501020000000200',
      AT,
    )
    if (typeof adopted === 'string') throw new Error(adopted)
    const requested = await claimed(await paidOrder(), 100)
    const later = new Date(AT.getTime() + 86_400_000)
    await one.accepted(adopted, '5030000250202501020000000201', later)
    await one.accepted(requested, '5030000250202501020000000202', AT)
    await one.accepted(requested, '5030000250202501020000000203', later)
    const acceptedAt = async ({ outRefundNo }: Refund) => {
      const text = 'select accepted_at = $2 as at from refunds where out_refund_no = $1'
      return (await shop.sql(text, [outRefundNo, AT]))[0]?.['at'] ?? null
    }
    expect([await acceptedAt(adopted), await acceptedAt(requested)]).toEqual([null, true])
  })

  test('made in the console and found by four callers is stored once', () =>
    rounds(async (round) => {
      const order = await paidOrder()
      const same = draft(order, 1000)
      const results = await race(4, (refunds) =>
        refunds.adopt(same, `5030000250202501020000001${round}`, AT),
      )
      expect(outcomes(results)).toEqual(['claimed', 'number_taken', 'number_taken', 'number_taken'])
      expect(await books(order)).toMatchObject({ claimed: 1000 })
    }))
})

/** The SQLSTATE of the refusal: 23503 foreign key, 23505 unique, 23514 check. */
async function refusal(text: string, params: readonly unknown[]): Promise<string> {
  try {
    await shop.sql(text, params)
  } catch (error) {
    if (error instanceof Error && 'code' in error) return String(error.code)
    throw error
  }
  return 'taken'
}

describe('the constraints of the database refuse', () => {
  test.each([
    ['claims above the payment', 'claimed_fee = 2801', '23514'],
    ['negative claims', 'claimed_fee = -1', '23514'],
    ['more refunded than claimed', `trade_state = 'REFUND', refunded_fee = 1001`, '23514'],
    [
      'claims below the refunded amount',
      `trade_state = 'REFUND', refunded_fee = 500, claimed_fee = 499`,
      '23514',
    ],
  ])('%s', async (_, change, code) => {
    const order = await paidOrder()
    await claimed(order, 1000)
    expect(await refusal(`update orders set ${change} where out_trade_no = $1`, [order])).toBe(code)
  })

  test.each(['PROCESSING', 'SUCCESS', 'REFUNDCLOSE'] as const)(
    'a payout of a refund that is %s',
    async (status) => {
      const refund = await claimed(await paidOrder(), 1000)
      const settled =
        status === 'PROCESSING' ? refund : await one.settle(refund, toOutcome(status, refund), AT)
      expect(await one.payoutRequested(settled, AT)).toEqual(settled)
      expect(await one.payoutAccepted(settled, AT)).toEqual(settled)
    },
  )

  test.each<[from: Refund['refundStatus'], to: string]>([
    ['SUCCESS', 'PROCESSING'],
    ['SUCCESS', 'REFUNDCLOSE'],
    ['SUCCESS', 'CHANGE'],
    ['REFUNDCLOSE', 'PROCESSING'],
    ['REFUNDCLOSE', 'SUCCESS'],
    ['REFUNDCLOSE', 'CHANGE'],
    ['CHANGE', 'PROCESSING'],
    ['PROCESSING', 'MAYBE'],
  ])('a refund that changes from %s to %s', async (from, to) => {
    const refund = await claimed(await paidOrder(), 1000)
    await one.settle(refund, toOutcome(from, refund), AT)
    expect(
      await refusal('update refunds set refund_status = $2 where out_refund_no = $1', [
        refund.outRefundNo,
        to,
      ]),
    ).toBe('23514')
    expect((await one.find(refund.outRefundNo))?.refundStatus).toBe(from)
  })

  test.each([
    ['another amount', 'refund_fee = 999', '23514'],
    ['another number', `out_refund_no = 'R-OTHER'`, '23514'],
    ['another order', `out_trade_no = (select max(out_trade_no) from orders)`, '23514'],
    ['an end without WeChat’s number', `refund_status = 'SUCCESS', refund_id = null`, '23514'],
  ])('a refund that changes to %s', async (_, change, code) => {
    const refund = await claimed(await paidOrder(), 1000)
    await paidOrder()
    expect(
      await refusal(`update refunds set ${change} where out_refund_no = $1`, [refund.outRefundNo]),
    ).toBe(code)
  })

  test('one WeChat number for two refunds, a refund of 0 fen, and a refund of an unknown order', async () => {
    const order = await paidOrder()
    const [first, second] = [await claimed(order, 1), await claimed(order, 1)]
    await one.accepted(first, '50300002502025010200000000001', AT)
    const insert =
      'insert into refunds (out_refund_no, out_trade_no, refund_fee, created_at) values ($1, $2, $3, now())'
    expect([
      await refusal('update refunds set refund_id = $2 where out_refund_no = $1', [
        second.outRefundNo,
        '50300002502025010200000000001',
      ]),
      await refusal(insert, [`R${next()}`, order, 0]),
      await refusal(insert, ['R 1', order, 1]),
      await refusal(insert, [`R${next()}`, 'NOBODYS-ORDER', 1]),
    ]).toEqual(['23505', '23514', '23514', '23503'])
  })
})
