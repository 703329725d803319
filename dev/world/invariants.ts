/**
 * Checks the invariants of payments on the database and the simulator. They must hold after every
 * history of requests, faults and repeats.
 */
import type { SimulatedOrder } from '../wechat/order.ts'
import type { Simulator } from '../wechat/simulator.ts'
import type { Leaks } from './leaks.ts'
import { readLedger, type Ledger, type Query } from './read-ledger.ts'

export interface Invariant {
  readonly number: number
  readonly name: string
  readonly holds: boolean
  /** The counts of what was checked, or the first violation. */
  readonly detail: string
}

export interface Checked {
  readonly query: Query
  readonly simulator: Simulator
  readonly leaks: Leaks
  /** Whether a fault is on, so that the ledger may not know some payments yet. */
  readonly hasFaults: () => boolean
  /** The ids of the events that the merchant's system received. Null if it is a real one. */
  readonly received: () => ReadonlySet<string> | null
}

/** The highest state of each order so far, to detect a step back. */
type Seen = Map<string, number>

const RANK = ['NOTPAY', 'CLOSED', 'SUCCESS', 'REFUND']
const PAID = ['SUCCESS', 'REFUND']

/** WeChat repeats a notification for about a day, and cron runs once a day. */
const FOUND_AFTER_MS = 49 * 3_600_000

export function createInvariants(checked: Checked): () => Promise<readonly Invariant[]> {
  const seen: Seen = new Map()
  const startedAt = Date.now()
  return async () => {
    // Read before the ledger, which must then have these payments.
    const acknowledged = findAcknowledged(checked.simulator)
    const ledger = await readLedger(checked.query)
    const atWechat = new Map(
      checked.simulator.orders().map((order) => [order.outTradeNo, order] as const),
    )
    const verdicts: readonly (readonly [name: string, verdict: Verdict])[] = [
      ['an order is paid only if WeChat confirmed it', findUnconfirmed(ledger, atWechat)],
      [
        'a payment that WeChat confirms is recorded in the ledger',
        findMissing(ledger, atWechat, acknowledged, checked.hasFaults()),
      ],
      ['an order has one payment and at most one order.paid', findRepeated(ledger)],
      ['a refund happens once, and refunds never exceed the payment', findExcess(ledger, atWechat)],
      ['states move forward only', findStepBack(ledger, seen)],
      ['every event reaches the merchant', findUndelivered(ledger, checked.received(), startedAt)],
      ['no answer and no log line holds a secret', findLeak(checked.leaks)],
    ]
    return verdicts.map(([name, { wrong, fine }], index) => ({
      number: index + 1,
      name,
      holds: wrong.length === 0,
      detail: wrong[0] ?? fine,
    }))
  }
}

interface Verdict {
  /** A text for each violation. */
  readonly wrong: readonly string[]
  readonly fine: string
}

type AtWechat = ReadonlyMap<string, SimulatedOrder>

function findUnconfirmed({ orders }: Ledger, atWechat: AtWechat): Verdict {
  const paid = orders.filter(({ state }) => PAID.includes(state))
  const wrong = paid.flatMap(({ outTradeNo, transactionId, totalFee }) => {
    const known = atWechat.get(outTradeNo)
    if (known === undefined || known.payment === null)
      return [`${outTradeNo} is paid in the ledger, but not at WeChat`]
    return known.payment.transactionId === transactionId && known.totalFee === totalFee
      ? []
      : [`${outTradeNo} has a different payment or amount at WeChat`]
  })
  return { wrong, fine: `paid orders: ${paid.length}, all of them paid at WeChat` }
}

/** A payment waits while WeChat repeats its notification. It must not be lost. */
function findMissing(
  { orders, isWhole }: Ledger,
  atWechat: AtWechat,
  acknowledged: ReadonlySet<string>,
  hasFaults: boolean,
): Verdict {
  const known = new Map(orders.map((order) => [order.outTradeNo, order]))
  const missing = [...atWechat.values()].filter(({ outTradeNo, payment }) => {
    const order = known.get(outTradeNo)
    // If there are many orders, only the latest were read.
    return payment !== null && (order === undefined ? isWhole : !PAID.includes(order.state))
  })
  const wrong = missing.flatMap(({ outTradeNo, payment }) => {
    if (acknowledged.has(outTradeNo))
      return [`the notification of ${outTradeNo} was acknowledged, but the order is not paid`]
    const age = Date.now() - (payment?.paidAt ?? 0)
    return age > FOUND_AFTER_MS && !hasFaults
      ? [`${outTradeNo} was paid two days ago, but the ledger does not have the payment`]
      : []
  })
  const fine =
    missing.length === 0
      ? 'the ledger has every payment'
      : `payments that wait for WeChat’s next notification, a query or cron: ${missing.length}`
  return { wrong, fine }
}

/** The orders whose payment was acknowledged to WeChat. */
const findAcknowledged = (simulator: Simulator): ReadonlySet<string> =>
  new Set(
    simulator
      .notifications()
      .filter((notification) => notification.acknowledged && notification.reqInfo === null)
      .filter(({ v3 }) => v3 === null || v3.eventType === 'TRANSACTION.SUCCESS')
      .map(({ outTradeNo }) => outTradeNo),
  )

function findRepeated({ orders, payments, events }: Ledger): Verdict {
  const told = events.filter(({ type }) => type === 'order.paid')
  const wrong = [
    ...orders
      .filter(({ state }) => PAID.includes(state))
      .filter(({ outTradeNo }) => countOf(payments, outTradeNo) !== 1)
      .map(({ outTradeNo }) => `${outTradeNo} is paid, but does not have exactly one payment`),
    ...orders
      .filter(({ outTradeNo }) => countOf(told, outTradeNo) > 1)
      .map(({ outTradeNo }) => `${outTradeNo} has more than one order.paid`),
  ]
  return { wrong, fine: `payments: ${payments.length}, events: ${told.length}` }
}

const countOf = (rows: readonly { readonly outTradeNo: string | null }[], number: string): number =>
  rows.filter(({ outTradeNo }) => outTradeNo === number).length

function findExcess({ orders, refunds }: Ledger, atWechat: AtWechat): Verdict {
  const sum = (of: readonly { readonly refundFee: number }[]) =>
    of.reduce((total, { refundFee }) => total + refundFee, 0)
  const wrong = orders.flatMap(({ outTradeNo, totalFee }) => {
    const own = refunds.filter((refund) => refund.outTradeNo === outTradeNo && refund.isSent)
    const there = atWechat.get(outTradeNo)?.refunds ?? []
    const numbers = there.map(({ outRefundNo }) => outRefundNo)
    return [
      ...(sum(own) > totalFee ? [`the refunds of ${outTradeNo} exceed its payment`] : []),
      ...(sum(there.filter(({ endsAs }) => endsAs !== 'REFUNDCLOSE')) > totalFee
        ? [`at WeChat the refunds of ${outTradeNo} exceed its payment`]
        : []),
      ...(new Set(numbers).size < numbers.length ? [`${outTradeNo} has a refund twice`] : []),
    ]
  })
  return { wrong, fine: `refunds: ${refunds.length}` }
}

function findStepBack({ orders }: Ledger, seen: Seen): Verdict {
  const wrong = orders.flatMap(({ outTradeNo, state }) => {
    const rank = RANK.indexOf(state)
    const before = seen.get(outTradeNo) ?? 0
    if (rank >= before) seen.set(outTradeNo, rank)
    return rank < before ? [`${outTradeNo} went from ${RANK[before]} to ${state}`] : []
  })
  return { wrong, fine: `orders: ${orders.length}` }
}

function findUndelivered(
  { orders, events }: Ledger,
  received: ReadonlySet<string> | null,
  startedAt: number,
): Verdict {
  const told = new Set(
    events.filter(({ type }) => type === 'order.paid').map(({ outTradeNo }) => outTradeNo),
  )
  const parked = events.filter(({ deliveredAt, isDue }) => deliveredAt === null && !isDue)
  const waiting = events.filter(({ deliveredAt, isDue }) => deliveredAt === null && isDue)
  const wrong = [
    ...orders
      .filter(({ outTradeNo, state }) => PAID.includes(state) && !told.has(outTradeNo))
      .map(({ outTradeNo }) => `${outTradeNo} is paid, but has no event`),
    ...parked.map(({ type, outTradeNo }) => `${type} of ${outTradeNo} was given up`),
    ...events
      .filter(({ deliveredAt }) => deliveredAt !== null && deliveredAt >= startedAt)
      .filter(({ id }) => received !== null && !received.has(id))
      .map(
        ({ type, outTradeNo }) =>
          `${type} of ${outTradeNo} is marked as delivered, but was not received`,
      ),
  ]
  const fine = `events delivered: ${events.length - waiting.length}, waiting: ${waiting.length}`
  return { wrong, fine }
}

const findLeak = ({ found }: Leaks): Verdict => ({
  wrong: found.map((place) => `there is a secret in ${place}`),
  fine: 'no secret was seen since the start',
})
