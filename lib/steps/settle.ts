import type { Confirmation } from '../core/confirmation.ts'
import type { ContradictedField } from '../core/failure.ts'
import { parseOpenid } from '../core/ids.ts'
import { isPaid, type Order, type PaidOrder } from '../core/order.ts'
import { err, ok, type Outcome } from '../core/result.ts'
import { toRfc3339 } from '../core/time.ts'
import type { ConfirmationSource, Deps } from '../ports.ts'
import { CURRENCY, paymentIncident, recordIncident } from './record-incident.ts'

/** Maximum clock skew between us and WeChat. */
const MAX_CLOCK_SKEW_MS = 10 * 60_000

/**
 * Records a payment that WeChat has confirmed, once, whichever channel confirms it.
 *
 * Notify, query, close, prepay and cron all end here, so an order has one way to become paid. The
 * ledger decides which call was first; the others find it done and answer the same. A confirmation
 * that contradicts the order (amount, currency, payer, another payment, a time before the order) is
 * stored as an incident for a person and changes nothing.
 */
export async function settle(
  deps: Pick<Deps, 'ledger' | 'clock' | 'log' | 'autoShipping'>,
  order: Order,
  confirmation: Confirmation,
  source: ConfirmationSource,
): Promise<Outcome<PaidOrder>> {
  const field =
    contradiction(order, confirmation) ??
    (isPaid(order) ? null : await findWrongTime(deps, order, confirmation, source))
  if (field !== null) return recordContradiction(deps, order, confirmation, source, field)
  if (isPaid(order)) return ok(order)
  const { ledger, clock, autoShipping } = deps
  const settled = await ledger.settle(order, confirmation, source, clock.now(), autoShipping)
  return settled === 'other_payment'
    ? recordContradiction(deps, order, confirmation, source, 'transaction')
    : ok(settled.order)
}

function contradiction(order: Order, confirmation: Confirmation): ContradictedField | null {
  if (confirmation.totalFee !== order.totalFee) return 'amount'
  if (confirmation.feeType !== CURRENCY) return 'currency'
  if (isPaid(order) && order.transactionId !== confirmation.transactionId) return 'transaction'
  // Only the user a JSAPI order was placed for can pay it.
  return confirmation.openid === order.openid ? null : 'payer'
}

/**
 * A payment made before its order was placed belongs to another order: an earlier system used the
 * number, or a forger with a leaked key back-dates a payment to a day whose bill is no longer
 * compared. The exception is an order that a restore of the database lost and that was placed
 * again. For such an order, WeChat's notification or the merchant's query for the payment left an
 * incident before, and WeChat's answer to our query confirms the payment. (WeChat sends
 * notifications only for orders of this deployment.)
 *
 * A payment in the future is refused only in a notification, because only a notification can be
 * forged with a leaked key.
 */
async function findWrongTime(
  deps: Pick<Deps, 'ledger' | 'clock'>,
  order: Order,
  confirmation: Confirmation,
  source: ConfirmationSource,
): Promise<'time' | null> {
  const paidAt = confirmation.paidAt.getTime()
  if (source === 'notify' && paidAt > deps.clock.now().getTime() + MAX_CLOCK_SKEW_MS) return 'time'
  if (paidAt >= order.createdAt.getTime() - MAX_CLOCK_SKEW_MS) return null
  return source !== 'notify' && (await deps.ledger.wasReportedMissing(order, confirmation))
    ? null
    : 'time'
}

/**
 * Stores a verified confirmation that contradicts the ledger. `order` is null if the ledger has no
 * such order.
 */
export async function recordContradiction(
  deps: Pick<Deps, 'ledger' | 'clock' | 'log'>,
  order: Order | null,
  confirmation: Confirmation,
  source: ConfirmationSource,
  field: ContradictedField,
): Promise<Outcome<never>> {
  const incident = paymentIncident(field, order, confirmation)
  const { expected, received } = shownOnlyIn(field, order, confirmation)
  await recordIncident(deps, {
    ...incident,
    expected: { ...incident.expected, ...expected },
    received: { ...incident.received, ...received },
    source,
  })
  return err({ reason: 'notice_contradicts', field })
}

/** The facts that only an incident about them contains. An openid that is malformed is null. */
function shownOnlyIn(field: ContradictedField, order: Order | null, confirmation: Confirmation) {
  if (order === null) return {}
  if (field === 'time')
    return {
      expected: { createdAt: toRfc3339(order.createdAt) },
      received: { paidAt: toRfc3339(confirmation.paidAt) },
    }
  if (field !== 'payer') return {}
  const payer = parseOpenid(confirmation.openid)
  return { expected: { openid: order.openid }, received: { openid: payer.ok ? payer.value : null } }
}
