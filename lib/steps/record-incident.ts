import { isPaid, type Order } from '../core/order.ts'
import type { Deps, Incident } from '../ports.ts'

/** Mini Program orders of mainland merchants are priced in yuan, whatever a message says. */
export const CURRENCY = 'CNY'

/** Longest valid order number. A longer one, from a message, is truncated in the log. */
const LONGEST_NUMBER = 32

/** Stores a contradiction for a person, once however often it is repeated, and logs it. */
export async function recordIncident(
  { ledger, clock, log }: Pick<Deps, 'ledger' | 'clock' | 'log'>,
  incident: Omit<Incident, 'at'>,
  reason: 'notice_contradicts' | 'bill_differs' = 'notice_contradicts',
): Promise<void> {
  const { kind, outTradeNo } = incident
  await ledger.recordIncident({ ...incident, at: clock.now() })
  log({
    event: 'incident',
    reason,
    detail: kind,
    ...(outTradeNo === null ? {} : { order: outTradeNo.slice(0, LONGEST_NUMBER) }),
  })
}

/** A refund at WeChat that contradicts the ledger. */
export const recordRefundIncident = (
  deps: Pick<Deps, 'ledger' | 'clock' | 'log'>,
  outTradeNo: string,
  expected: Incident['expected'],
  received: Incident['received'],
  source: Incident['source'] = 'query',
): Promise<void> => recordIncident(deps, { kind: 'refund', outTradeNo, expected, received, source })

interface ReportedPayment {
  readonly outTradeNo: string
  readonly totalFee: number
  readonly feeType: string
  readonly transactionId: string
}

/**
 * Describes a payment that contradicts the ledger. A message and a bill describe it alike, so that
 * it is stored once. `order` is null if the ledger has no such order.
 */
export const paymentIncident = (
  kind: string,
  order: Order | null,
  { outTradeNo, totalFee, feeType, transactionId }: ReportedPayment,
) => ({
  kind,
  outTradeNo,
  expected:
    order === null
      ? {}
      : {
          totalFee: order.totalFee,
          feeType: CURRENCY,
          transactionId: isPaid(order) ? order.transactionId : null,
        },
  received: { totalFee, feeType, transactionId },
})
