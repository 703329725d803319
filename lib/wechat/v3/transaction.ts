import * as v from 'valibot'
import { confirm, type Confirmation } from '../../core/confirmation.ts'
import { toFen } from '../../core/money.ts'
import { err, ok } from '../../core/result.ts'
import { parsed } from '../../validation/parsed.ts'
import { parseRfc3339 } from '../../validation/rfc3339.ts'

export const fenAmount = parsed(v.number(), toFen, 'an amount in fen')

const time = parsed(
  v.string(),
  (text) => {
    const at = parseRfc3339(text)
    return at === null ? err('no_time') : ok(at)
  },
  'a time of RFC 3339',
)

const optionalText = v.fallback(v.optional(v.string(), ''), '')

/** A paid transaction. An optional field that is malformed is treated as absent. */
const paidTransaction = v.object({
  out_trade_no: v.pipe(v.string(), v.nonEmpty()),
  transaction_id: v.pipe(v.string(), v.regex(/^\w{1,32}$/)),
  success_time: time,
  payer: v.object({ openid: v.pipe(v.string(), v.nonEmpty()) }),
  bank_type: optionalText,
  amount: v.object({
    total: fenAmount,
    currency: v.optional(v.string(), 'CNY'),
    payer_total: v.fallback(
      v.nullish(v.pipe(v.number(), v.safeInteger(), v.minValue(0)), null),
      null,
    ),
  }),
})

/**
 * Builds a confirmation from a verified transaction whose state says that it is paid: of a
 * notification or of a query answer. Null if a required field is missing or malformed.
 */
export function toConfirmation(transaction: unknown): Confirmation | null {
  const read = v.safeParse(paidTransaction, transaction)
  if (!read.success) return null
  const { out_trade_no, transaction_id, success_time, payer, bank_type, amount } = read.output
  return confirm({
    outTradeNo: out_trade_no,
    transactionId: transaction_id,
    totalFee: amount.total,
    feeType: amount.currency,
    cashFee: amount.payer_total,
    bankType: bank_type || null,
    openid: payer.openid,
    paidAt: success_time,
  })
}
