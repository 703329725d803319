import type { Confirmation } from '../core/confirmation.ts'
import type { ContradictedField, Failure } from '../core/failure.ts'
import { isPaid, type Order, type PaidOrder } from '../core/order.ts'
import { err, ok, type Result } from '../core/result.ts'
import { toRfc3339 } from '../core/time.ts'
import type { Deps, NewsSource } from '../ports.ts'
import { deliver } from './deliver.ts'

/** Mini Program orders of mainland merchants are priced in yuan, whatever a message says. */
const CURRENCY = 'CNY'

/** The largest difference between our clocks and WeChat's. */
const MAX_CLOCK_SKEW_MS = 10 * 60_000

/** Of an order number that is one: what is none may be as long as a message, and no line of the log may. */
const LONGEST_NUMBER = 32

/**
 * Records a payment WeChat has confirmed, once, whoever brings the news.
 *
 * Notify, query, close, prepay and cron all end here, so an order has one way to become paid. The ledger decides who was
 * first; the others find it done and answer as if they had done it themselves. A confirmation that contradicts the order
 * (amount, currency, payer, another payment, a time before
 * the order) is kept as an incident for a person and changes nothing.
 */
export async function settle(
  deps: Pick<Deps, 'ledger' | 'outbox' | 'merchant' | 'clock' | 'later' | 'log' | 'randomBytes' | 'autoShipping'>,
  order: Order,
  confirmation: Confirmation,
  source: NewsSource,
): Promise<Result<PaidOrder, Failure>> {
  const field = contradiction(order, confirmation) ?? (isPaid(order) ? null : await findWrongTime(deps, order, confirmation, source))
  if (field !== null) return contradict(deps, order, confirmation, source, field)
  if (isPaid(order)) return ok(order)
  const settled = await deps.ledger.settle(order, confirmation, source, deps.clock.now(), deps.autoShipping)
  if (settled === 'other_payment') return contradict(deps, order, confirmation, source, 'transaction')
  if (settled.moved) deps.later(() => deliver(deps))
  return ok(settled.order)
}

function contradiction(order: Order, confirmation: Confirmation): ContradictedField | null {
  if (confirmation.totalFee !== order.totalFee) return 'amount'
  if (confirmation.feeType !== CURRENCY) return 'currency'
  if (isPaid(order) && order.transactionId !== confirmation.transactionId) return 'transaction'
  // A JSAPI order can be paid by the user it was placed for and by no one else.
  return confirmation.openid === order.openid ? null : 'payer'
}

/**
 * A payment made before its order was placed is another order's: an earlier system used the number, or a forger wants the
 * payment sought in the bill of a day that is no longer compared. The exception is an order that a restore of the database
 * lost and that was placed again: an incident told of its payment meanwhile, and WeChat, asked, confirms it.
 *
 * Only a notification can be forged with a leaked key, so only there is a payment of the future refused.
 */
async function findWrongTime(
  deps: Pick<Deps, 'ledger' | 'clock'>,
  order: Order,
  confirmation: Confirmation,
  source: NewsSource,
): Promise<'time' | null> {
  const paidAt = confirmation.paidAt.getTime()
  if (source === 'notify' && paidAt > deps.clock.now().getTime() + MAX_CLOCK_SKEW_MS) return 'time'
  if (paidAt >= order.createdAt.getTime() - MAX_CLOCK_SKEW_MS) return null
  return source !== 'notify' && (await deps.ledger.wasReportedMissing(order, confirmation)) ? null : 'time'
}

/** Keeps what a rightly signed message says against the ledger. `order` is null when the ledger has no such order. */
export async function contradict(
  deps: Pick<Deps, 'ledger' | 'outbox' | 'merchant' | 'clock' | 'later' | 'log' | 'randomBytes'>,
  order: Order | null,
  confirmation: Confirmation,
  source: NewsSource,
  field: ContradictedField,
): Promise<Result<never, Failure>> {
  const { outTradeNo, transactionId, totalFee, feeType, paidAt } = confirmation
  await deps.ledger.recordIncident({
    kind: field,
    outTradeNo,
    expected:
      order === null ? {} : { totalFee: order.totalFee, feeType: CURRENCY, transactionId: isPaid(order) ? order.transactionId : null },
    received: { totalFee, feeType, transactionId, ...(field === 'time' ? { paidAt: toRfc3339(paidAt) } : {}) },
    source,
    at: deps.clock.now(),
  })
  deps.log({
    event: 'incident',
    order: order?.outTradeNo ?? outTradeNo.slice(0, LONGEST_NUMBER),
    reason: 'notice_contradicts',
    detail: field,
  })
  deps.later(() => deliver(deps))
  return err({ reason: 'notice_contradicts', field })
}
